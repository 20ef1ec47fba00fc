"""What a machine does to an engine: wrong clocks, deaf connections, black holes, full disks, sessions that hold rows."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from launch.postgres.place import server_account
from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.proxy import Proxy, Rules, Verdict
from tests.crash.workload import everything, small, tiny

DAY = 86_400.0
DISK = Path("/dev/shm/highway-crash-disk")  # noqa: S108 - a mount of our own


def wrong_clocks(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """One worker lives a day ahead and one a day behind."""
    with stage.arena() as arena:
        workers = [arena.worker(skew_seconds=seconds) for seconds in (DAY, -DAY)]
        tally = _complete(arena, quantity, tick)
        ahead = arena.query(
            "SELECT count(*) FROM highway.workflow_run WHERE finished_at > now() + interval '1 hour' OR finished_at < created_at"
        )
        tally.problems += [f"{ahead[0][0]} runs ended at a worker's time"] if ahead[0][0] else []
        _end(workers)
    return tally


def deaf(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """A proxy drops every notification."""
    with stage.arena() as arena:
        proxy = Proxy(arena.session.server.port, Rules(drop_notifications=True))
        workers = [arena.worker(dsn=proxy.url(arena.database.worker)) for _ in range(2)]
        tally = _complete(arena, quantity, tick)
        _end(workers)
        proxy.close()
    return tally


def black_hole(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """In the middle of the work one worker's connections swallow everything and stay open; its lease tells."""
    hole = {"open": False}
    rules = Rules(on_statement=lambda _number, _name: "black_hole" if hole["open"] else "pass")
    return _into_a_hole(stage, quantity, tick, rules, hole, others=1)


def half_hole(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The loop of the only worker never hears that its commit happened, on a line that stays open, while its heart beats on."""
    hole = {"open": False}

    def on_commit() -> Verdict:
        if not hole["open"]:
            return "pass"
        hole["open"] = False
        return "black_hole"

    rules = Rules(on_commit=on_commit, counts=lambda name: len(name.split()) == 3)  # neither its heart nor its steps
    return _into_a_hole(stage, quantity, tick, rules, hole, others=0)


def _into_a_hole(stage: Stage, quantity: int, tick: Tick, rules: Rules, hole: dict[str, bool], *, others: int) -> Tally:
    with stage.arena() as arena:
        proxy = Proxy(arena.session.server.port, rules)
        lost = arena.worker(dsn=proxy.url(arena.database.worker))
        runs = arena.submit(everything(arena.effects.url), quantity)
        arena.until(lambda: bool(arena.query("SELECT FROM highway.checkpoint LIMIT 1")), 30, "a first step")
        hole["open"] = True
        healthy = [arena.worker() for _ in range(others)]
        tally = _complete(arena, quantity, tick, runs)
        if hole["open"] and not others:
            tally.problems.append("the hole swallowed nothing")
        _end([lost, *healthy])
        proxy.close()
    return tally


def held_row(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """I17: a session holds a run's row and does nothing; every other run is claimed and ended as usual."""
    tally, slowest = Tally(), 0.0
    with stage.arena() as arena:
        workers = [arena.worker() for _ in range(2)]
        (held,) = arena.submit(small(), delay_seconds=0.5)
        with psycopg.connect(arena.database.superuser) as holder:
            holder.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [held])
            for _ in range(quantity):
                began = time.monotonic()
                runs = arena.submit(tiny(), 3)
                arena.until(lambda asked=runs: arena.open_runs(asked) == 0, 30, "the others", every=0.01)  # type: ignore[misc]
                slowest = max(slowest, time.monotonic() - began)
                tally.done += 1
                tick(1)
        arena.until(lambda: arena.open_runs() == 0, 30, "the held run")
        tally.problems = oracles.completed_rightly(arena, small(), [held]) + oracles.everywhere(arena)
        _end(workers)
    if slowest > 5:
        tally.problems.append(f"I17 others waited {slowest:.1f} s")
    tally.figures = {"rounds": str(tally.done), "s for three others at most": f"{slowest:.2f}"}
    return tally


def full_disk(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The engine's tables lie on a disk of 64 MB that is filled to its last block, and emptied again."""
    if os.geteuid() != 0 or not _mount():
        return Tally(skipped="skipped: needs the right to mount a small file system")
    try:
        with stage.arena() as arena:
            _move_to_the_small_disk(arena)
            workers = [arena.worker() for _ in range(2)]
            runs: list[Any] = []
            refused = 0
            for _ in range(quantity):
                ballast = DISK / "ballast"
                runs += arena.submit(everything(arena.effects.url), 3)
                subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=8k"], check=False, capture_output=True)
                for _ in range(30):
                    try:
                        runs += arena.submit(everything(arena.effects.url), 2)
                    except psycopg.Error:
                        refused += 1
                    except Exception as error:  # noqa: BLE001 - the facade's own name for it
                        refused += type(error).__name__ == "BusyError"
                    time.sleep(0.02)
                ballast.unlink()
            tally = _complete(arena, len(runs), tick, runs)
            tally.figures["submissions refused meanwhile"] = str(refused)
            _end(workers)
        return tally
    finally:
        with psycopg.connect(stage.session.server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("DROP TABLESPACE IF EXISTS crash_disk")
        subprocess.run(["umount", str(DISK)], check=False)


def _mount() -> bool:
    DISK.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(DISK)], check=False, capture_output=True
    )
    if done.returncode == 0:
        place = DISK / "space"
        place.mkdir()
        server_account().own(place)
    return done.returncode == 0


def _move_to_the_small_disk(arena: Arena) -> None:
    with psycopg.connect(arena.session.server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE crash_disk LOCATION '{DISK / 'space'}'".encode())
        connection.execute(f"ALTER DATABASE {arena.database.name} SET TABLESPACE crash_disk".encode())


def _complete(arena: Arena, quantity: int, tick: Tick, runs: list[Any] | None = None) -> Tally:
    """All of it ends as it should, within a bound."""
    tally = Tally()
    workload = everything(arena.effects.url)
    began = time.monotonic()
    every = runs if runs is not None else arena.submit(workload, quantity)
    try:
        arena.until(lambda: arena.open_runs(every) == 0, 60 + quantity, "the runs")
    except AssertionError as error:
        tally.problems.append(str(error))
    seconds = time.monotonic() - began
    tally.problems += oracles.completed_rightly(arena, workload, every) + oracles.everywhere(arena)
    tally.done = len(every)
    tick(len(every))
    tally.figures = {"workflows": str(len(every)), "s": f"{seconds:.1f}"}
    return tally


def _end(workers: list[Any]) -> None:
    for worker in workers:
        worker.kill()
