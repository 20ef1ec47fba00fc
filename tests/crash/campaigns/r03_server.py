"""R3: PostgreSQL is stopped as by a power cut, again and again, sometimes while it still recovers from the last time."""

from __future__ import annotations

import contextlib
import random
import threading
import time

import psycopg

from launch.refusal import Refusal
from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.workload import everything, saga, small, tiny
from tests.support.session import Session

RUNS_A_STOP = 40


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` immediate stops under load, on a server of its own."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    tally = Tally()
    session = Session.start()
    in_recovery = 0
    try:
        with stage.arena(session) as arena:
            workers = [arena.worker() for _ in range(3)]
            ledger: dict[str, list] = {"tiny": [], "small": [], "everything": [], "saga": []}
            url = arena.effects.url
            workloads = {"tiny": tiny(), "small": small(), "everything": everything(url), "saga": saga(url)}
            for workload in workloads.values():
                arena.register(workload)
            for _ in range(quantity):
                _submit_some(arena, ledger, workloads)
                time.sleep(chance.uniform(0.0, 0.6))
                session.crash()
                in_recovery += _recover(session, chance)
                tally.done += 1
                tick(1)
            arena.until(lambda: arena.open_runs() == 0, 180, "the end of all runs")
            for name, runs in ledger.items():
                tally.problems += oracles.completed_rightly(arena, workloads[name], runs)
            tally.problems += oracles.everywhere(arena)
            tally.problems += [f"worker {each.name} has died" for each in workers if each.gone()]
            total = sum(map(len, ledger.values()))
    except AssertionError as error:
        tally.problems.append(f"seed {seed}: {error}")
        total = 0
    finally:
        session.stop()
    tally.figures = {"stops": str(tally.done), "of them in recovery": str(in_recovery), "workflows": str(total)}
    return tally


def _submit_some(arena: Arena, ledger: dict[str, list], workloads: dict) -> None:
    """Runs that were accepted: only they are promised anything."""
    with contextlib.suppress(psycopg.Error):
        ledger["tiny"] += arena.submit(workloads["tiny"], RUNS_A_STOP - 14)
        ledger["small"] += arena.submit(workloads["small"], 10)
        ledger["everything"] += arena.submit(workloads["everything"], 2)
        ledger["saga"] += arena.submit(workloads["saga"], 2)


def _recover(session: Session, chance: random.Random) -> int:
    """Start the server; every third time stop it again before it is ready. How often it was."""
    stopped = 0
    if chance.random() < 0.34:
        timer = threading.Timer(chance.uniform(0.01, 0.15), session.crash)
        timer.start()
        try:
            session.recover()
        except (Refusal, AssertionError):
            stopped = 1
        timer.join()
        session.crash()
    session.recover()
    return stopped
