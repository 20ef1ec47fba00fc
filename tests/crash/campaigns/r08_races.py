"""R8: somebody begins to wait for an event at the moment at which somebody else emits it."""

from __future__ import annotations

import random
import threading
import time
from uuid import UUID, uuid4

from engine import facade
from engine.db.connection import connect
from engine.model.task import ClaimedTask
from engine.queue.commit import commit
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.campaigns.racing import clear, race
from tests.crash.workload import tiny
from tests.support.interleaving import problems
from tests.support.runs import take

BATCH = 200
RACES_AN_ARENA = 4000
_SLEEPING = "SELECT count(*) FROM highway.task WHERE state = 'sleeping'"


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` races on the level of SQL; a lost event is a task that sleeps on although its event is there."""
    tally, lost, turns = Tally(), 0, [0, 0]
    while tally.done < quantity:
        with stage.arena(
            audit=False
        ) as arena:  # a fresh one now and then: the doctor reads everything, also what has long ended
            until = min(quantity, tally.done + RACES_AN_ARENA)
            while tally.done < until:
                size = min(BATCH, until - tally.done)
                first, asleep = _batch(arena, size, seed + tally.done)
                turns[0] += first
                turns[1] += size - first
                lost += asleep
                tally.problems += problems(arena.database.worker)
                tally.done += size
                tick(size)
                clear(arena)
    if lost:
        tally.problems.append(f"seed {seed}: {lost} events were lost")
    tally.figures = {
        "races": str(tally.done),
        "lost": str(lost),
        "won by the waiter": str(turns[0]),
        "by the emitter": str(turns[1]),
    }
    return tally


def _batch(arena: Arena, size: int, seed: int) -> tuple[int, int]:
    """So many races: how many the waiter won, and how many waiters sleep on."""
    arena.submit(tiny(), size)
    tasks = take(arena.database.worker, size)
    first = _race(arena, tasks, random.Random(seed))  # noqa: S311 - repeatable
    return first, int(arena.query(_SLEEPING)[0][0])


def _race(arena: Arena, tasks: list[ClaimedTask], chance: random.Random) -> int:
    """One thread waits and one emits, run after run, both from the same moment. How often the waiter was done first."""
    offsets = [(chance.uniform(0, 0.0008), chance.uniform(0, 0.0008)) for _ in tasks]
    done: dict[str, list[float]] = {"wait": [], "emit": []}

    def waiter(barrier: threading.Barrier) -> None:
        with connect(arena.database.worker) as connection:
            for task, (offset, _) in zip(tasks, offsets, strict=True):
                writes = TaskWrites(task, waits=[WaitWrite("hear", "event", event_name="go")], exit=Suspended())
                barrier.wait()
                time.sleep(offset)
                assert commit(connection, [writes], uuid4()).live == {task.task_id}
                done["wait"].append(time.monotonic())

    def emitter(barrier: threading.Barrier) -> None:
        with connect(arena.database.web) as connection:
            for task, (_, offset) in zip(tasks, offsets, strict=True):
                barrier.wait()
                time.sleep(offset)
                _emit(connection, arena.tenant, task.workflow_run_id)
                done["emit"].append(time.monotonic())

    race([waiter, emitter])
    return sum(waited < emitted for waited, emitted in zip(done["wait"], done["emit"], strict=True))


def _emit(connection, tenant: UUID, run: UUID) -> None:
    assert facade.emit_event(connection, tenant_id=tenant, workflow_run_id=run, name="go")
