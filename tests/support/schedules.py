"""Schedules on a database whose clock a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.db.queries import load
from engine.model.schedules import ScheduleSpec, ScheduleView, TickView
from engine.services.cron import fire_due_ticks
from tests.support.runs import ONE_TASK, scalar

WORKER = uuid4()
_doctor = load("doctor")


@contextmanager
def clock(dsn: str, ahead: timedelta = timedelta()) -> Iterator[psycopg.Connection[Any]]:
    """A connection for which it is later than it is."""
    with connect(dsn, lock_seconds=30) as connection:
        move(connection, ahead)
        yield connection


def move(connection: psycopg.Connection[Any], ahead: timedelta) -> None:
    """It is so much later for this connection."""
    connection.execute("SELECT set_config('highway.now_offset', %s, false)", [f"{ahead.total_seconds()} s"])


def make(connection: psycopg.Connection[Any], tenant: UUID, timing: str = "@every 60s", **more: Any) -> ScheduleView:
    """A schedule of a workflow that is registered with it."""
    facade.register(connection, tenant_id=tenant, definition=ONE_TASK)
    values = {"name": "nightly", "workflow_name": "one_task", "timing": timing} | more
    return facade.create_schedule(connection, tenant_id=tenant, spec=ScheduleSpec(**values), created_by="maria")


def tick(dsn: str, ahead: timedelta) -> int:
    """One round of the scheduler at a later time; how many runs it started."""
    with clock(dsn, ahead) as connection:
        return fire_due_ticks(connection, WORKER)


def history(connection: psycopg.Connection[Any], tenant: UUID, schedule: ScheduleView) -> list[TickView]:
    """What became of the ticks, oldest first."""
    found = facade.list_ticks(connection, tenant_id=tenant, schedule_id=schedule.schedule_id, quantity=10_000)
    return found[::-1]


def outcomes(connection: psycopg.Connection[Any], tenant: UUID, schedule: ScheduleView) -> list[str]:
    """Only the words."""
    return [one.outcome for one in history(connection, tenant, schedule)]


def end_runs(connection: psycopg.Connection[Any], tenant: UUID, state: str = "completed") -> int:
    """End every open run of a tenant, as a worker would; how many."""
    return connection.execute(
        "UPDATE highway.task SET state = %s, claimed_by = NULL, finished_at = highway.now(),"
        " error = CASE WHEN %s = 'failed' THEN '{\"message\": \"it broke\"}'::jsonb END"
        " WHERE tenant_id = %s AND highway.is_open(state)",
        [state, state, tenant],
    ).rowcount


def now(connection: psycopg.Connection[Any]) -> datetime:
    """The engine's time."""
    moment: datetime = scalar(connection, "SELECT highway.now()")
    return moment


def in_trouble(dsn: str, ahead: timedelta = timedelta(), grace_seconds: float = 0.0) -> list[str]:
    """What the doctor says about schedules."""
    with clock(dsn, ahead) as connection:
        rows = _doctor.schedules.many(connection, grace_seconds=grace_seconds, quantity=100)
    return [row["problem"] for row in rows]
