"""R1: killed at every fault point, before and after every statement, and at random."""

from __future__ import annotations

import random
import uuid

import psycopg

from engine.db.connection import connect
from engine.db.migrate import unapplied
from engine.kit.fault_points import FaultPoint
from launch.postgres import prepare_database
from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.faults import Fault
from tests.crash.proxy import Proxy, Rules, Verdict
from tests.crash.rounds import Plan, Round, plan_for, random_plan
from tests.crash.workload import GOLDEN, Workload, everything, golden
from tests.support.databases import Database
from tests.support.session import Session

IN_ROUNDS = tuple(point for point in FaultPoint if point is not FaultPoint.MIGRATION_STEP)
MAX_STATEMENTS = 400


def points(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` seeds for each point; 0 is one point in five, for a test's time."""
    tally = Tally()
    chosen = IN_ROUNDS if quantity else IN_ROUNDS[seed % 5 :: 5]
    fired = 0
    for number in range(max(quantity, 1)):
        with stage.arena() as arena:  # one a seed: the oracles read a whole database
            for point in chosen:
                tally.problems += Round(arena, plan_for(point, seed + number)).play()
                tally.done += 1
                tick(1)
            fired += len(arena.fired())
        tally.problems += interrupted_migration(stage.session, stage.folder / uuid.uuid4().hex, seed + number)
    tally.figures = {"rounds": str(tally.done), "points": str(len(chosen) + 1), "faults done": str(fired)}
    return tally


def at_random(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` rounds of two victims, each hurt anywhere in any way."""
    tally, fired = Tally(), 0
    for start in range(0, quantity, 25):
        with stage.arena() as arena:
            for number in range(start, min(start + 25, quantity)):
                tally.problems += Round(arena, random_plan(seed + number)).play()
                tally.done += 1
                tick(1)
            fired += len(arena.fired())
    tally.figures = {"rounds": str(tally.done), "faults done": str(fired)}
    return tally


def replay(stage: Stage, plans: list[Plan]) -> list[str]:
    """Seeds that failed before."""
    with stage.arena() as arena:
        return [problem for plan in plans for problem in Round(arena, plan).play()]


def statements(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Killed before and after each statement in turn; ``quantity`` statements chosen by chance, 0 is all, of all reference workflows."""
    tally = Tally()
    names = [] if quantity else list(GOLDEN)
    with stage.arena() as arena:
        for workload in [everything(arena.effects.url), *map(golden, names)]:
            found, done = _every_statement(arena, workload, quantity, seed, tick)
            tally.problems += found
            tally.done += done
            tally.figures[workload.name] = f"{done} kills,"
    return tally


def _every_statement(arena: Arena, workload: Workload, quantity: int, seed: int, tick: Tick) -> tuple[list[str], int]:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    numbers = sorted(chance.sample(range(1, 40), quantity)) if quantity else range(1, MAX_STATEMENTS)
    problems: list[str] = []
    done = 0
    for number in numbers:
        verdicts: tuple[Verdict, ...] = ("kill_before", "kill_after")
        hits = 0
        for verdict in verdicts:
            found, hit = _at_statement(arena, workload, number, verdict)
            problems += found
            hits += hit
            tick(1)
        done += hits
        if not hits and not quantity:
            break  # the workflow has no more statements
    return problems, done


def _at_statement(arena: Arena, workload: Workload, number: int, verdict: Verdict) -> tuple[list[str], bool]:
    """One worker through a proxy that kills it at its ``number``-th statement; a healthy one goes on. Whether it came so far."""
    queue = f"q{uuid.uuid4().hex[:8]}"
    rules = Rules(counts=lambda name: name.startswith("highway worker") and not name.endswith("liveness"))
    proxy = Proxy(arena.session.server.port, rules)
    try:
        (run,) = arena.submit(workload, queue=queue)
        rules.on_statement = lambda which, _: verdict if which == number else "pass"
        victim = arena.worker(dsn=proxy.url(arena.database.worker), queues=[queue])
        rules.kill_client = victim.kill
        arena.until(lambda: victim.gone() or arena.open_runs([run]) == 0, 60, f"statement {number}")
        hit = victim.gone()
        healthy = arena.worker(queues=[queue])
        arena.until(lambda: arena.open_runs([run]) == 0, 60, f"the run after statement {number} {verdict}")
        victim.kill()
        healthy.kill()
        found = oracles.completed_rightly(arena, workload, [run]) + oracles.everywhere(arena)
    except AssertionError as error:
        return [f"{workload.name} statement {number} {verdict}: {error}"], True
    finally:
        proxy.close()
    return [f"{workload.name} statement {number} {verdict}: {problem}" for problem in found], hit


def interrupted_migration(session: Session, folder: object, seed: int) -> list[str]:
    """A migrating process is killed before a migration is noted; the next one makes the schema whole."""
    from pathlib import Path

    chance = random.Random(seed)  # noqa: S311 - repeatable
    database = Database(session, f"test_crash_{uuid.uuid4().hex[:10]}")
    prepare_database(session.programs, session.server, database.name)
    arena = Arena(session, Path(str(folder)))
    try:
        fault = Fault(FaultPoint.MIGRATION_STEP, "kill", chance.randint(1, 4))
        first = arena.fork("migrate", "m1", dsn=database.migrate, folder=str(arena.folder), faults=[str(fault)])
        assert first.gone(30), "the migration did not end"
        killed = bool(arena.fired())
        second = arena.fork("migrate", "m2", dsn=database.migrate, folder=str(arena.folder), faults=[])
        assert second.gone(30), "the second migration did not end"
        with connect(database.owner) as connection:
            left = unapplied(connection)
        return [f"migration, {fault}: not applied {left}"] if left or not killed else []
    finally:
        arena.close()
        with psycopg.connect(session.server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database.name} WITH (FORCE)".encode())
