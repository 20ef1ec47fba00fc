"""R1: killed at every fault point, and at random."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
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
from tests.crash.plans import Plan, plans_for, random_plans
from tests.crash.rounds import Round, play
from tests.crash.together import together
from tests.support.databases import Database

IN_ROUNDS = tuple(point for point in FaultPoint if point is not FaultPoint.MIGRATION_STEP)
ROUNDS_AN_ARENA = 24  # the oracles read a whole database
AT_ONCE = 6  # a round waits for most of its time: for timers, for the lease of whoever is dead
SEEDS_MOST = 3  # for each time that every point is to be hurt: a chosen time may not come, late in a round
FAULTS_AT_A_TIME = 200


def points(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Until each point was hurt ``quantity`` times; 0 is one point in five, for a test's time."""
    chosen = IN_ROUNDS if quantity else IN_ROUNDS[seed % 5 :: 5]
    tally, hurt = Tally(), Counter[FaultPoint]()
    for number in range(SEEDS_MOST * max(quantity, 1)):
        left = [point for point in chosen if hurt[point] < quantity] if number else list(chosen)
        if not left:
            break
        before = _fewest(hurt, chosen, quantity)
        hurt += _together(stage, plans_for(left, seed + number), tally)
        if number < max(quantity, 1):
            tally.problems += interrupted_migration(stage, stage.folder / uuid.uuid4().hex, seed + number)
        tick(_fewest(hurt, chosen, quantity) - before)
    tally.problems += [f"{point} was hurt {hurt[point]} times only" for point in chosen if hurt[point] < quantity]
    tally.figures["points"] = str(len(chosen) + 1)
    tally.figures["times each at least"] = str(_fewest(hurt, chosen))
    return tally


def _fewest(hurt: Counter[FaultPoint], points: Iterable[FaultPoint], most: int | None = None) -> int:
    """How often each of ``points`` was hurt at least, counted up to ``most``."""
    fewest = min(hurt[point] for point in points)
    return fewest if most is None else min(fewest, most)


def at_random(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Hurt anywhere in any way, until that was done ``quantity`` times."""
    tally, done, number = Tally(), 0, seed
    while done < quantity:
        some = min(FAULTS_AT_A_TIME, max(2, quantity - done))
        more = _together(stage, random_plans(some, number), tally).total()
        done, number = done + more, number + 1
        tick(more)
    return tally


def replay(stage: Stage, plans: list[Plan]) -> list[str]:
    """Seeds that failed before: what is wrong with them now."""
    tally = Tally()
    _together(stage, plans, tally)
    return tally.problems


def _together(stage: Stage, plans: list[Plan], tally: Tally) -> Counter[FaultPoint]:
    """Play them a few at once and add them up. Returns how often somebody was really hurt at each point."""
    hurt = _alone(stage, [plan for plan in plans if plan.wants_to_be_alone], tally)
    for group in _split([plan for plan in plans if not plan.wants_to_be_alone]):
        with stage.arena() as arena:
            tally.problems += play(arena, group, AT_ONCE)
            tally.problems += _whole(arena, group)
            hurt += _hurt(arena)
    for name, more in (("rounds", len(plans)), ("faults done", hurt.total())):
        tally.figures[name] = str(int(tally.figures.get(name, 0)) + more)
    tally.done += len(plans)
    return hurt


def _alone(stage: Stage, plans: list[Plan], tally: Tally) -> Counter[FaultPoint]:
    """The same, each in a database of its own."""
    rounds = [_Apart(stage, plan) for plan in plans]
    tally.problems += together(rounds, AT_ONCE)
    return sum((each.hurt for each in rounds), Counter())


@dataclass
class _Apart:
    """A round that has a database for itself."""

    stage: Stage
    plan: Plan
    hurt: Counter[FaultPoint] = field(default_factory=Counter)
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Begin."""
        self._round = Round(self._stack.enter_context(self.stage.arena()), self.plan)
        self._stack.callback(self._round.end)
        self._round.start()

    def is_over(self) -> bool:
        """Look once, and do what is to be done now."""
        return self._round.is_over()

    def judge(self) -> list[str]:
        """What was wrong with its runs, and in the whole database."""
        return self._round.judge() + _whole(self._round.arena, [self.plan])

    def end(self) -> None:
        """Count what was done, and clear everything away."""
        self.hurt += _hurt(self._round.arena)
        self._stack.close()


def _hurt(arena: Arena) -> Counter[FaultPoint]:
    return Counter(Fault.read(line.split()[1]).point for line in arena.fired())


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
