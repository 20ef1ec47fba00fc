"""Threads that meet at the same moment, and what is left of a batch of races."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tests.crash.arena import Arena

Racer = Callable[[threading.Barrier], None]


def race(racers: Sequence[Racer]) -> None:
    """Each in a thread of its own; all wait at the barrier before each start. What one of them raises is raised here."""
    barrier = threading.Barrier(len(racers), timeout=60)
    errors: list[Exception] = []

    def guarded(racer: Racer) -> None:
        try:
            racer(barrier)
        except Exception as error:  # noqa: BLE001 - a thread's errors are the test's
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=guarded, args=(racer,)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def clear(arena: Arena) -> None:
    """End what was raced over."""
    arena.query("DELETE FROM highway.wait RETURNING 1")
    arena.query(
        "UPDATE highway.task SET state = 'cancelled', finished_at = now(), claimed_by = NULL WHERE highway.is_open(state) RETURNING 1"
    )
    arena.query(
        "UPDATE highway.workflow_run AS r SET finished_at = t.finished_at, paused_at = NULL FROM highway.task AS t "
        "WHERE t.task_id = r.workflow_run_id AND r.finished_at IS NULL RETURNING 1"
    )
