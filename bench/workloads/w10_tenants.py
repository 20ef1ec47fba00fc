"""W10: 10,000 tenants with one run each; and 1,000 timers that are due in the same second: how late their runs go on and end."""

from __future__ import annotations

import datetime
import time
from typing import Any
from uuid import UUID

import psycopg

from bench.results import Figure, Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.systems.highway.backlog import queue_many, queue_timers

PATIENCE_SECONDS = 300.0
AHEAD_SECONDS = (
    2.0  # and with the time that so many take to fall asleep: by then all timers sleep, whatever the machine
)
OPEN = "SELECT EXISTS (SELECT FROM highway.task WHERE state IN ('pending', 'running', 'sleeping'))"
LAST = (
    "SELECT extract(epoch FROM max(finished_at))::float8, count(*) FROM highway.workflow_run WHERE status = 'completed'"
)
LATE = "SELECT extract(epoch FROM finished_at)::float8 - %s FROM highway.workflow_run WHERE name = 'bench_timer' AND status = 'completed'"


def run(system: System, sizes: Sizes) -> Result:
    """First the tenants, then the timers, on one worker process."""
    with running(system), system.ground.administer(str(system.database)) as connection:
        began = time.time()
        queue_many(connection, "one_step", [UUID(int=number) for number in range(1, sizes.tenants + 1)], 1)
        queued = time.time()
        _wait(connection)
        last, count = _row(connection, LAST)
        late = _timers(connection, sizes)
    figures = (Figure("tenants", per_second=count / (last - queued)), latency(late, "timers, late"))
    return Result(
        "W10", system.name, figures, (f"{count} tenants, queued in {queued - began:.1f} s", f"{len(late)} timers")
    )


def _timers(connection: psycopg.Connection[Any], sizes: Sizes) -> list[float]:
    due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=AHEAD_SECONDS + sizes.timers / 200)
    queue_timers(connection, UUID(int=1), sizes.timers, due.isoformat())
    _wait(connection)
    return [float(row[0]) for row in connection.execute(LATE, [due.timestamp()]).fetchall()]


def _wait(connection: psycopg.Connection[Any]) -> None:
    """Until nothing is open."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _row(connection, OPEN)[0]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"something was still open after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.1)


def _row(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or ()
