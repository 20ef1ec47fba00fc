"""What an activity has started ends with it: no process survives a cancel, a limit, its worker's death or its worker's leave."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.model.activity_views import ActivityView
from tests.support.activities import activity_of, wait_for_activity, with_activity
from tests.support.workers import Workers

# A command with a child in the background and one that has left the process group, and the numbers of all three.
FAMILY = (
    "echo $$ > {0}/shell; sleep 600 & echo $! > {0}/child; setsid sh -c 'echo $$ > {0}/daemon; exec sleep 600' & wait"
)
NAMES = ("shell", "child", "daemon")


def _begin(workers: Workers, function: str = "tools.shell.run", **more: object) -> tuple[UUID, list[int]]:
    run = workers.submit(with_activity(function, FAMILY.format(workers.folder), wait=False, **more))
    return run, _numbers(workers.folder)


def _numbers(folder: Path) -> list[int]:
    until = time.monotonic() + 40
    while True:
        found = [(folder / name).read_text().strip() for name in NAMES if (folder / name).exists()]
        if len(found) == len(NAMES) and all(found):
            return [int(number) for number in found]
        assert time.monotonic() < until, found
        time.sleep(0.02)


def _all_gone(numbers: list[int], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while any(_is_alive(number) for number in numbers):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _is_alive(number: int) -> bool:
    """Whether the process exists and is not only waiting to be buried."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_process_group_of_an_attempt_is_shown(workers: Workers) -> None:
    workers.start()
    run, numbers = _begin(workers)

    def shown(seen: ActivityView) -> bool:
        return bool(seen.processes)

    (leader,) = wait_for_activity(workers, run, shown).processes
    assert os.getpgid(leader) == leader
    assert os.getpgid(numbers[0]) == leader
    _cancel(workers, run)
    assert _all_gone([leader, *numbers])


def test_a_cancel_leaves_no_process(workers: Workers) -> None:
    workers.start()
    run, numbers = _begin(workers)
    _cancel(workers, run)
    assert _all_gone(numbers)
    wait_for_activity(workers, run, lambda seen: seen.state == "cancelled")


def test_start_to_close_leaves_no_process(workers: Workers) -> None:
    workers.start()
    run, numbers = _begin(workers, start_to_close_timeout=5)
    assert _all_gone(numbers)
    assert workers.finish(run).status == "failed"


def test_a_heartbeat_limit_leaves_no_process(workers: Workers) -> None:
    workers.start()
    run, numbers = _begin(workers, "tests.beat_then_run", heartbeat_timeout=5)
    assert _all_gone(numbers)
    assert workers.finish(run).status == "failed"
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.error is not None
    assert activity.error["type"] == "Heartbeat"


def test_a_limit_that_the_database_keeps_leaves_no_process(workers: Workers) -> None:
    workers.start()
    run, numbers = _begin(workers, schedule_to_close_timeout=5)
    assert _all_gone(numbers)
    assert workers.finish(run).status == "failed"


def test_kill_9_of_the_worker_leaves_no_process(workers: Workers) -> None:
    process = workers.start()
    run, numbers = _begin(workers)
    workers.kill(process)
    assert _all_gone(numbers)
    _end(workers, run)


def test_sigterm_leaves_no_process_when_the_grace_time_is_over(workers: Workers) -> None:
    workers.start(grace_seconds=0.3)
    run, numbers = _begin(workers)
    assert workers.stop() == [0]
    assert not any(_is_alive(number) for number in numbers), "gone before the worker is"
    _end(workers, run)


def _cancel(workers: Workers, run: UUID) -> None:
    activity = activity_of(workers, run)
    assert activity is not None
    with connect(workers.database.web) as connection:
        facade.cancel_activity(connection, tenant_id=workers.tenant, activity_id=activity.task_id)


def _end(workers: Workers, run: UUID) -> None:
    """So that nothing open is left behind."""
    with connect(workers.database.web) as connection:
        facade.cancel(connection, tenant_id=workers.tenant, workflow_run_id=run)
    workers.start()
    workers.finish(run)
