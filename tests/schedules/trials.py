"""Target R11: simulated years of cron in every zone whose clocks change, with schedulers killed at any moment; nothing doubled, nothing missed.

``make crash ONLY=R11 FULL=1`` runs it at its full figures.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from uuid import UUID, uuid4

import psycopg

from tests.schedules.killing import CLOCK, Scheduler
from tests.schedules.world import changing_zones, count_faults, make_world
from tests.support.databases import Database

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
SCHEDULERS = 2
PATIENCE_SECONDS = 600.0


class Figures(TypedDict):
    """What a trial counted."""

    seed: int
    years: int
    zones: int
    kills: int
    expected: int
    fired: int
    doubled: int
    missed: int
    seconds: float


def run_cron_trials(
    database: Database,
    seed: int,
    rounds: int = 500,
    *,
    years: int = 10,
    zones: list[str] | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> Figures:
    """Let ``years`` pass in random leaps while two schedulers work, of which one is killed in each round. Faults are ``doubled`` and ``missed``.

    ``tick`` hears of each round.
    """
    began, chance, tenant = time.monotonic(), random.Random(seed), uuid4()  # noqa: S311 - chance that can be repeated
    names = changing_zones(BEGIN, years) if zones is None else zones
    world = make_world(database.worker, tenant, seed=seed, begin=BEGIN, years=years, zones=names)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(CLOCK)
        connection.execute("GRANT SELECT ON public.trial_clock TO app_worker")
        connection.execute("INSERT INTO public.trial_clock VALUES ('0')")
        _live_through(connection, database.worker, chance, _leaps(connection, chance, rounds, years), tick)
        _wait_until_decided(connection, tenant)
    fired, doubled, missed = count_faults(database.superuser, tenant, world)
    return Figures(
        seed=seed,
        years=years,
        zones=len(names),
        kills=rounds + SCHEDULERS,
        expected=sum(len(one.ticks) for one in world),
        fired=fired,
        doubled=doubled,
        missed=missed,
        seconds=round(time.monotonic() - began, 1),
    )


def _leaps(connection: psycopg.Connection, chance: random.Random, rounds: int, years: int) -> list[timedelta]:
    """How far ahead it is in each round: uneven, never backwards, and past the end at last."""
    row = connection.execute("SELECT highway.now()").fetchone()
    assert row is not None
    whole = BEGIN + timedelta(days=365 * years + 1) - row[0]
    marks = sorted(chance.random() for _ in range(rounds - 1))
    return [BEGIN - row[0] + (whole - (BEGIN - row[0])) * mark for mark in marks] + [whole]


def _live_through(
    connection: psycopg.Connection,
    dsn: str,
    chance: random.Random,
    leaps: list[timedelta],
    tick: Callable[[int], None],
) -> None:
    schedulers = [Scheduler(dsn) for _ in range(SCHEDULERS)]
    try:
        for leap in leaps:
            connection.execute("UPDATE public.trial_clock SET ahead = %s", [leap])
            time.sleep(chance.uniform(0.0, 0.12))  # where the kill strikes is left to chance
            place = chance.randrange(SCHEDULERS)
            schedulers[place].kill()
            schedulers[place] = Scheduler(dsn)
            tick(1)
        _wait_until_decided(connection, None)
    finally:
        for scheduler in schedulers:
            scheduler.kill()


def _wait_until_decided(connection: psycopg.Connection, tenant: UUID | None) -> None:
    """Every schedule has ended: its last tick is decided."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = connection.execute(
            "SELECT count(*) FROM highway.schedule WHERE state = 'active' AND (%s::uuid IS NULL OR tenant_id = %s)",
            [tenant, tenant],
        ).fetchone()
        if row is not None and row[0] == 0:
            return
        assert time.monotonic() < until, f"{row} schedules never came to their end"
        time.sleep(0.05)
