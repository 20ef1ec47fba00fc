"""Starting and holding runs by hand, for tests that drive the queue without a worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.claims import NO_TENANT, claim
from engine.queue.commit import CommitResult, commit
from engine.queue.writes import TaskWrites

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
    dsn: str, quantity: int = 10, worker_id: UUID = WORKER, queues: tuple[str, ...] = ("default",)
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
