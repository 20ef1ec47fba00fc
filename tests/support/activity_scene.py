"""A run with one activity, and two database sessions that meet over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.queries import load
from engine.kit.ids import uuid7
from engine.model.activity import Ack, ActivityPlan, Beat
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.queue.commit import commit
from engine.queue.heartbeats import report
from engine.queue.writes import Finished, ForkWrite, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, take, write

_sql = load("activity")
_workers = load("worker")
ACTIVITIES = ("default:activities",)
LATE = ActivityPlan("f", heartbeat=50.0)
UNBEGUN = ActivityPlan("f", schedule_to_start=0.0)
CLOSED = ActivityPlan("f", schedule_to_close=0.0)
SLEEPS = {"waits": [WaitWrite("hear", "event", event_name="work:over")], "exit": Suspended()}


@dataclass
class Scene:
    """A run whose own task sleeps until its one activity is over, and two sessions beside the one under test."""

    database: Database
    tenant: UUID
    first: psycopg.Connection[Any]
    observer: psycopg.Connection[Any]
    run: UUID = field(default_factory=uuid4)
    activity_id: UUID = field(default_factory=uuid7)

    def queue(self, plan: ActivityPlan, **parent: Any) -> None:
        self.run = start(self.observer, self.tenant)
        (parent_task,) = take(self.database.worker)
        fork = ForkWrite(self.activity_id, "work", "activity", [], {}, {}, "work:over", plan)
        write(self.database.worker, TaskWrites(parent_task, forks=[fork], **(parent or SLEEPS)))

    def begin(self, plan: ActivityPlan, silent: float = 1000.0) -> ClaimedTask:
        """Queue it, claim it, and report that it has been silent for a while."""
        self.queue(plan)
        (task,) = take(self.database.worker, queues=ACTIVITIES)
        report(self.observer, [(task, Beat(1, silent))], WORKER)
        return task

    def second(self, work: Callable[[psycopg.Connection[Any]], Any]) -> Second:
        return Second(self.database.worker, work)

    def state(self) -> Any:
        return scalar(self.observer, "SELECT state FROM highway.task WHERE task_id = %s", self.activity_id)

    def parent_state(self) -> Any:
        return scalar(self.observer, "SELECT state FROM highway.task WHERE task_id = %s", self.run)

    def details(self) -> Any:
        return scalar(self.observer, "SELECT details FROM highway.activity WHERE task_id = %s", self.activity_id)

    def time_out(self, connection: psycopg.Connection[Any] | None = None) -> list[UUID]:
        rows = _sql.time_out.many(connection or self.observer, grace_seconds=0.0, quantity=10)
        return [row["task_id"] for row in rows]

    def expire(self, connection: psycopg.Connection[Any]) -> Any:
        row = _sql.expire.one(connection, tenant_id=self.tenant, task_id=self.activity_id)
        return row["limit"] if row else None

    def cancel(self, connection: psycopg.Connection[Any]) -> str:
        return facade.cancel_activity(connection, tenant_id=self.tenant, activity_id=self.activity_id, reason="enough")

    def rescue(self, connection: psycopg.Connection[Any] | None = None) -> list[UUID]:
        return [row["task_id"] for row in _workers.rescue.many(connection or self.observer, quantity=10)]


@contextmanager
def blocked(scene: Scene, work: Callable[[psycopg.Connection[Any]], Any]) -> Iterator[list[Any]]:
    """The second session; the block is left, and the first one commits, when it is seen to wait for the first. Then: its outcome."""
    outcome: list[Any] = []
    second: Second | None = None
    with scene.first.transaction():
        yield outcome
        second = scene.second(work)
        second.wait_until_blocked(scene.observer, by=scene.first)
    outcome.append(second.result())


def beat(connection: psycopg.Connection[Any], task: ClaimedTask, done: int = 1) -> Ack:
    (ack,) = report(connection, [(task, Beat(1, 100.0, 0.0, own=True, details=f'{{"done": {done}}}'))], WORKER)
    return ack


def finish(task: ClaimedTask) -> TaskWrites:
    return TaskWrites(task, exit=Finished("completed", result="done"))


def fail(task: ClaimedTask) -> TaskWrites:
    """An attempt failed, another follows in a minute."""
    error = StepError("tool", "no")
    return TaskWrites(task, waits=[WaitWrite("work", "retry", seconds=60, attempt=1, error=error)], exit=Suspended())


def committing(writes: TaskWrites) -> Callable[[psycopg.Connection[Any]], Any]:
    return lambda connection: commit(connection, [writes], WORKER)


@pytest.fixture
def scene(database: Database, tenant: UUID) -> Iterator[Scene]:
    """At the end nothing is stuck and no rows contradict each other. What the test's worker holds is not counted: it has no process."""
    with connect(database.worker) as first, connect(database.worker) as observer:
        yield Scene(database, tenant, first, observer)
    found = problems(database.worker)
    assert [problem for problem in found if "its worker is gone" not in problem] == []
