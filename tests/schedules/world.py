"""The schedules of a trial, and what has to come of them, told by a simulation that shares nothing with the engine's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import psycopg
from cronsim import CronSim

from engine import facade
from engine.db.connection import connect
from engine.model.schedules import ScheduleSpec
from tests.support.runs import ONE_TASK

# Times of day around which clocks change somewhere; about one tick in nine days each, so that ten years stay countable.
EXPRESSIONS = (
    "30 2 * * SUN",
    "0,30 1 * * SUN",
    "15 0 * * SAT",
    "45 23 * * FRI,SAT",
    "0 0 1,15 * *",
    "30 2 25-31 3,10 *",
    "0 3 1-7 4,11 SUN",
)


@dataclass(frozen=True, slots=True)
class Expected:
    """One schedule and the moments at which it has to have fired by the end."""

    schedule_id: UUID
    zone: str
    expression: str
    ticks: frozenset[datetime]


def changing_zones(begin: datetime, years: int) -> list[str]:
    """Every zone whose clocks change in these years, under each of its names."""
    days = [begin + timedelta(days=n) for n in range(0, years * 366, 6)]
    names = (name for name in sorted(available_timezones()) if "/" in name and not name.startswith("Etc/"))
    return [name for name in names if len({day.astimezone(ZoneInfo(name)).utcoffset() for day in days}) > 1]


def make_world(dsn: str, tenant: UUID, *, seed: int, begin: datetime, years: int, zones: list[str]) -> list[Expected]:
    """A schedule for each zone, all from ``begin`` on, that fire whatever they missed."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    end = begin + timedelta(days=365 * years)
    made = []
    with connect(dsn) as connection:
        facade.register(connection, tenant_id=tenant, definition=ONE_TASK)
        for zone in zones:
            expression = chance.choice(EXPRESSIONS)
            spec = ScheduleSpec(
                name=zone.replace("/", ":"),
                workflow_name="one_task",
                timing=expression,
                zone=zone,
                overlap="allow",
                catchup="all",
                catchup_limit=10_000,
                jitter_seconds=chance.choice((0, 0, 600)),
                starts_at=begin,
                ends_at=end,
            )
            schedule = facade.create_schedule(connection, tenant_id=tenant, spec=spec)
            made.append(
                Expected(schedule.schedule_id, zone, expression, frozenset(_simulated(expression, zone, begin, end)))
            )
    return made


def _simulated(expression: str, zone: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Debian's cron as cronsim has it: these expressions all name times of day."""
    start = (begin - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    for tick in takewhile(lambda tick: tick <= end, CronSim(expression, start)):
        yield tick.astimezone(UTC)


def count_faults(dsn: str, tenant: UUID, world: list[Expected]) -> tuple[int, int, int]:
    """Runs that were started, runs too many, ticks without a run: counted by the runs themselves, not by the rows of the ticks."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT attributes ->> 'schedule_id', attributes ->> 'tick' FROM highway.workflow_run WHERE tenant_id = %s",
            [tenant],
        ).fetchall()
    runs = [(UUID(schedule), datetime.fromisoformat(tick)) for schedule, tick in rows]
    wanted = {(one.schedule_id, tick) for one in world for tick in one.ticks}
    return len(runs), len(runs) - len(set(runs) & wanted), len(wanted - set(runs))
