"""R6: how long a run stands still when its worker is killed."""

from __future__ import annotations

import time
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick, percentile
from tests.crash.workload import long_step
from tests.support.forking import Forked

KILLS_OF_A_RUN = 8  # a task that kills so many workers in a row is poison soon: a fresh run takes over
LIMIT_SECONDS = 2.0
SLICE = 6  # so few that the worst of them counts: there it is enough that nobody waits for the lease
SLICE_LEASE_SECONDS, SLICE_LIMIT_SECONDS = 60.0, 30.0


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` workers killed in the middle of a step; seconds until another one has claimed it, by the database's clock."""
    tally, seconds = Tally(), []
    is_slice = quantity <= SLICE
    with stage.arena(audit=False) as arena:
        if is_slice:
            arena.settings["lease_seconds"] = SLICE_LEASE_SECONDS
        workers = {worker.name: worker for worker in (arena.worker(), arena.worker())}
        (run_id,) = arena.submit(long_step())
        for number in range(quantity):
            if number % KILLS_OF_A_RUN == 0 and number:
                with connect(
                    arena.database.web
                ) as connection:  # else it dies on with each worker, and is poison in the end
                    facade.cancel(connection, tenant_id=arena.tenant, workflow_run_id=run_id)
                (run_id,) = arena.submit(long_step())
            seconds.append(_kill(arena, workers, run_id))
            tally.done += 1
            tick(1)
        if stuck := arena.query("SELECT workflow_run_id FROM highway.workflow_run WHERE status = 'failed'"):
            tally.problems.append(f"runs failed: {stuck}")
        for worker in workers.values():
            worker.kill()
    p99 = percentile(seconds, 0.99)
    if p99 >= (SLICE_LIMIT_SECONDS if is_slice else LIMIT_SECONDS):
        tally.problems.append(f"p99 is {p99:.2f} s")
    tally.figures = {
        "kills": str(tally.done),
        "s (p50)": f"{percentile(seconds, 0.5):.2f}",
        "s (p99)": f"{p99:.2f}",
        "s (max)": f"{max(seconds):.2f}",
    }
    return tally


def _kill(arena: Arena, workers: dict[str, Forked], run_id: UUID) -> float:
    """Kill whoever holds the run, when somebody else is there; fork a new one; how long it took."""
    held = "SELECT w.name, t.epoch FROM highway.task AS t JOIN highway.worker AS w ON w.worker_id = t.claimed_by WHERE t.task_id = %s"
    arena.until(lambda: bool(arena.query(held, run_id)), 20, "a claim", every=0.01)
    arena.until(lambda: len(arena.query("SELECT FROM highway.worker")) >= len(workers), 20, "workers", every=0.01)
    ((name, epoch),) = arena.query(held, run_id)
    killed = time.time()
    workers.pop(name).kill()
    again = "SELECT extract(epoch FROM claimed_at) FROM highway.task WHERE task_id = %s AND epoch > %s AND state = 'running'"
    arena.until(lambda: bool(arena.query(again, run_id, epoch)), 30, "the next claim", every=0.01)
    seconds = float(arena.query(again, run_id, epoch)[0][0]) - killed
    fresh = arena.worker()
    workers[fresh.name] = fresh
    return seconds
