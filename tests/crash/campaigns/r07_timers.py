"""R7: many timers, while workers die: none early, none lost, by the database's own stamps."""

from __future__ import annotations

import random

from tests.crash import oracles
from tests.crash.campaigns.base import GENEROUS_SECONDS, Stage, Tally, Tick
from tests.crash.workload import Workload, timers

TIMERS_OF_A_RUN = 50
TIMERS_A_SECOND = 350  # what two cores can fire; a run is re-entered for each
KILL_EVERY = 20.0  # seconds
SLICE = 300  # no worker dies while they fire


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` timers, due one after the other."""
    tally = Tally()
    chance = random.Random(seed)  # noqa: S311 - repeatable
    runs = max(1, quantity // TIMERS_OF_A_RUN)
    spread = max(2.0, quantity / TIMERS_A_SECOND)
    workload = Workload("timers", timers(TIMERS_OF_A_RUN, 3.0 + runs / 150, spread))
    with stage.arena() as arena:
        workers = [arena.worker() for _ in range(2)]
        arena.submit(workload, runs)
        fired = 0
        while arena.open_runs():
            _wait(arena) if quantity > SLICE else arena.until(lambda: not arena.open_runs(), GENEROUS_SECONDS, "timers")
            now = arena.query("SELECT count(*) FROM highway.checkpoint")[0][0]
            tick(now - fired)
            fired = now
            if arena.open_runs() and quantity > SLICE:
                victim = chance.randrange(len(workers))
                workers[victim].kill()
                workers[victim] = arena.worker()
        tick(arena.query("SELECT count(*) FROM highway.checkpoint")[0][0] - fired)
        early, p50, p99, worst, done = arena.query(
            """SELECT count(*) FILTER (WHERE s.late < 0), percentile_cont(0.5) WITHIN GROUP (ORDER BY s.late),
                      percentile_cont(0.99) WITHIN GROUP (ORDER BY s.late), max(s.late), count(*)
                 FROM (SELECT extract(epoch FROM k.finished_at - t.due_at)::float8 AS late
                         FROM crash.timer AS t JOIN highway.checkpoint AS k ON k.workflow_run_id = t.workflow_run_id AND k.step_key = t.step_key) AS s"""
        )[0]
        tally.problems = oracles.everywhere(arena)
        tally.done = done
        lost = runs * TIMERS_OF_A_RUN - done
        for worker in workers:
            worker.kill()
    if early or lost or p99 > (1 if quantity > SLICE else GENEROUS_SECONDS):
        tally.problems.append(f"{early} early, {lost} lost, p99 {p99:.2f} s late")
    tally.figures = {
        "timers": str(done),
        "early": str(early),
        "lost": str(lost),
        "s late (p50)": f"{p50:.2f}",
        "s late (p99)": f"{p99:.2f}",
        "s (max)": f"{worst:.2f}",
    }
    return tally


def _wait(arena) -> None:
    try:
        arena.until(lambda: not arena.open_runs(), KILL_EVERY, "timers", every=0.5)
    except AssertionError:
        return
