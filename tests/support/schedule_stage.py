"""One schedule between two sessions, for which its first tick is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.model.schedules import ScheduleView
from engine.services.cron import fire_due_ticks
from tests.support.databases import Database
from tests.support.interleaving import Second
from tests.support.runs import ONE_TASK, scalar
from tests.support.schedules import WORKER, clock, make, move, outcomes

Connection = psycopg.Connection[Any]
Work = Callable[[Connection], Any]
MINUTE = timedelta(minutes=1)
DUE = MINUTE * 1.2  # the first tick is due, the second is not
ANOTHER_VERSION = {**ONE_TASK, "description": "another version"}


class Stage:
    """One schedule, two sessions for which its first tick is due, and somebody who looks on."""

    def __init__(self, database: Database, tenant: UUID, first: Connection, observer: Connection, **spec: Any) -> None:
        self.database, self.tenant, self.first, self.observer = database, tenant, first, observer
        self.schedule: ScheduleView = make(observer, tenant, **spec)

    @property
    def key(self) -> dict[str, UUID]:
        return {"tenant_id": self.tenant, "schedule_id": self.schedule.schedule_id}

    def second(self, work: Work) -> Second:
        """The second session at work."""

        def in_due_time(connection: Connection) -> Any:
            move(connection, DUE)
            return work(connection)

        return Second(self.database.worker, in_due_time)

    def blocked(self, work: Work) -> Second:
        """The same, proved to be blocked by the first."""
        second = self.second(work)
        second.wait_until_blocked(self.observer, by=self.first)
        return second

    def passes_by(self) -> None:
        """A scheduler finds nothing, without waiting, while the first session holds the schedule."""
        with clock(self.database.worker, DUE) as other:
            assert fire_due_ticks(other, WORKER) == 0

    def ticks(self) -> list[str]:
        return outcomes(self.observer, self.tenant, self.schedule)

    def runs(self) -> int:
        return int(scalar(self.observer, "SELECT count(*) FROM highway.workflow_run WHERE trigger = 'schedule'"))

    def state(self) -> str:
        return str(
            scalar(
                self.observer, "SELECT state FROM highway.schedule WHERE schedule_id = %s", self.schedule.schedule_id
            )
        )

    # What two sessions do.
    def pause(self, connection: Connection) -> Any:
        return facade.pause_schedule(connection, **self.key, paused_by="maria")

    def resume(self, connection: Connection) -> Any:
        return facade.resume_schedule(connection, **self.key)

    def delete(self, connection: Connection) -> Any:
        return facade.delete_schedule(connection, **self.key)

    def run_now(self, connection: Connection) -> Any:
        return facade.run_schedule_now(connection, **self.key, by="maria")

    def backfill(self, connection: Connection) -> Any:
        begin = self.schedule.anchor_at + MINUTE * 0.5
        return facade.backfill_schedule(
            connection, **self.key, begin=begin, end=begin + MINUTE * 0.6, by="maria", dry_run=False
        )

    def change(self, **changes: Any) -> Work:
        return lambda connection: facade.update_schedule(connection, **self.key, changes=changes)

    def register(self, connection: Connection) -> Any:
        return facade.register(
            connection, tenant_id=self.tenant, definition={**ANOTHER_VERSION, "schedule": "@every 5m"}
        )


@contextmanager
def a_tick_under_way(stage: Stage) -> Iterator[None]:
    """The first session has decided the tick and has not committed."""
    with stage.first.transaction():
        assert fire_due_ticks(stage.first, WORKER) == 1
        yield
