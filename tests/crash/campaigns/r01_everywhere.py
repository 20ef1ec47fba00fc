"""R1: killed at every fault point, and at random."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

import psycopg

from engine.db.connection import connect
from engine.db.migrate import unapplied
from engine.kit.fault_points import FaultPoint
from launch.postgres import prepare_database
from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.faults import Fault
from tests.crash.plans import Plan, plan_for, random_plan
from tests.crash.rounds import Round, play
from tests.support.databases import Database

IN_ROUNDS = tuple(point for point in FaultPoint if point is not FaultPoint.MIGRATION_STEP)
ROUNDS_AN_ARENA = 24  # the oracles read a whole database
AT_ONCE = 6  # a round waits for most of its time: for timers, for the lease of whoever is dead


def points(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` seeds for each point; 0 is one point in five, for a test's time."""
    chosen = IN_ROUNDS if quantity else IN_ROUNDS[seed % 5 :: 5]
    tally, missed = Tally(), set(chosen) if quantity else set()
    for number in range(max(quantity, 1)):
        plans = [plan_for(point, seed + number) for point in chosen]
        missed -= _together(stage, plans, tally, tick)
        tally.problems += interrupted_migration(stage, stage.folder / uuid.uuid4().hex, seed + number)
    # Late in a round a chosen time may not come. Over all seeds each point was hurt, or it is now, at its first time.
    missed -= _together(stage, [Plan(seed, (Fault(point),) * 2) for point in sorted(missed)], tally, tick)
    tally.problems += [f"nobody was hurt at {point}" for point in sorted(missed)]
    tally.figures["points"] = str(len(chosen) + 1)
    return tally


def at_random(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Rounds of two victims, each hurt anywhere in any way, until that was done ``quantity`` times."""
    tally, number = Tally(), seed
    while int(tally.figures.get("faults done", 0)) < quantity:
        before = int(tally.figures.get("faults done", 0))
        some = min(ROUNDS_AN_ARENA, max(1, (quantity - before) * 2 // 3))
        _together(stage, [random_plan(each) for each in range(number, number + some)], tally, lambda _: None)
        number += some
        tick(int(tally.figures["faults done"]) - before)
    return tally


def replay(stage: Stage, plans: list[Plan]) -> list[str]:
    """Seeds that failed before."""
    with stage.arena() as arena:
        return [problem for plan in plans for problem in Round(arena, plan).play()]


def _together(stage: Stage, plans: list[Plan], tally: Tally, tick: Tick) -> set[FaultPoint]:
    """Play them a few at once, a dozen or two in a database, and add them up. Returns the points at which somebody was really hurt."""
    alone = [plan for plan in plans if plan.wants_to_be_alone]
    others = [plan for plan in plans if not plan.wants_to_be_alone]
    hurt: set[FaultPoint] = set()
    for group, at_once in [(alone, 1), *((each, AT_ONCE) for each in _split(others))]:
        if not group:
            continue
        with stage.arena() as arena:
            tally.problems += play(arena, group, at_once, tick)
            tally.problems += _whole(arena, group)
            done = [Fault.read(line.split()[1]) for line in arena.fired()]
        hurt |= {fault.point for fault in done}
        for name, more in (("rounds", len(group)), ("faults done", len(done))):
            tally.figures[name] = str(int(tally.figures.get(name, 0)) + more)
        tally.done += len(group)
    return hurt


def _split(plans: list[Plan]) -> list[list[Plan]]:
    return [plans[at : at + ROUNDS_AN_ARENA] for at in range(0, len(plans), ROUNDS_AN_ARENA)]


def _whole(arena: Arena, plans: list[Plan]) -> list[str]:
    """What the whole database shows cannot be told apart by round: it is said of each of them, so that all are kept."""
    found = oracles.everywhere(arena)
    return [f"{plan}: with others beside it: {problem}" for problem in found for plan in plans]


def interrupted_migration(stage: Stage, folder: Path, seed: int) -> list[str]:
    """A migrating process is killed before a migration is noted; the next one makes the schema whole."""
    chance, session = random.Random(seed), stage.session  # noqa: S311 - repeatable
    database = Database(session, f"test_crash_{uuid.uuid4().hex[:10]}")
    prepare_database(session.programs, session.server, database.name)
    arena = Arena(session, folder, stage.forks, stage.effects)
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
