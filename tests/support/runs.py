"""Starting and holding runs by hand, for tests that drive the queue without a worker."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.kit.ids import uuid7
from engine.model.commands import Record
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.claims import NO_TENANT, claim
from engine.queue.commit import CommitResult, commit
from engine.queue.writes import ForkWrite, RecordWrite, Suspended, TaskWrites, WaitWrite

ONE_TASK: JsonObject = {
    "name": "one_task",
    "start_task": "only",
    "tasks": {"only": {"task_id": "only", "operator_type": "task", "function": "tools.log.info", "args": ["hello"]}},
}
WORKER = uuid4()


def start(connection: psycopg.Connection[Any], tenant: UUID, definition: JsonObject = ONE_TASK, **how: Any) -> UUID:
    """Register and submit; the new run's id."""
    reference = facade.register(connection, tenant_id=tenant, definition=definition)
    inputs = how.pop("inputs", {})
    return facade.submit(
        connection, tenant_id=tenant, definition_id=reference.definition_id, inputs=inputs, **how
    ).workflow_run_id


def take(
    dsn: str,
    quantity: int = 10,
    worker_id: UUID = WORKER,
    queues: tuple[str, ...] = ("default", "default:activities"),
) -> list[ClaimedTask]:
    """Claim as a worker would."""
    with connect(dsn) as connection:
        return claim(connection, worker_id=worker_id, queues=queues, quantity=quantity, after_tenant=NO_TENANT)


def write(dsn: str, *writes: TaskWrites, worker_id: UUID = WORKER) -> CommitResult:
    """One group commit."""
    with connect(dsn) as connection:
        return commit(connection, writes, worker_id)


def scalar(connection: psycopg.Connection[Any], query: str, *parameters: Any) -> Any:
    """The one value of a query."""
    row = connection.execute(query, parameters).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def fork(task: ClaimedTask, *keys: str, kind: Literal["branch", "activity"] = "branch", **more: Any) -> TaskWrites:
    """The fork of branches (or activities, each with a completion event of its name) by a claimed task."""
    event = "{}:over" if kind == "activity" else None
    forks = [ForkWrite(uuid7(), key, kind, [], {}, {}, event and event.format(key)) for key in keys]
    return TaskWrites(task, forks=forks, **more)


def fork_and_wait(task: ClaimedTask, *keys: str) -> TaskWrites:
    """The fork of branches by a task that goes to sleep until all have ended."""
    return fork(task, *keys, waits=[WaitWrite("join", "tasks", awaited=list(keys))], exit=Suspended())


def step(task: ClaimedTask, key: str, **more: Any) -> TaskWrites:
    """One checkpoint."""
    return TaskWrites(task, records=[RecordWrite(Record(key, "task", "succeeded", "done"), 0.01)], **more)


def states(connection: psycopg.Connection[Any], run: UUID) -> dict[str, str]:
    """State by key of the run's tasks."""
    return dict(connection.execute("SELECT key, state FROM highway.task WHERE workflow_run_id = %s", [run]).fetchall())
