"""Reading tasks: what workers claim, over all runs of a tenant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.insight import TASK_STATES, ActiveTask, TaskCount, TaskFilter, TaskRow, Troubles

_sql = load("task_view")
COUNT_CAP = 10_000
LOOKED_AT = 1_000  # running tasks that are looked through for troubles


def list_tasks(
    connection: Connection, *, tenant_id: UUID, chosen: TaskFilter, before: UUID | None = None, quantity: int = 50
) -> list[TaskRow]:
    """Tasks, newest first; ``before`` is the id of the last task of the page before."""
    with tenant_transaction(connection, tenant_id):
        if chosen == TaskFilter():
            rows = _sql.list.many(connection, tenant_id=tenant_id, before=before, quantity=quantity)
        else:
            rows = _sql.list_in.many(
                connection,
                tenant_id=tenant_id,
                states=list(chosen.states or TASK_STATES),
                queues=list(chosen.queues) or None,
                before=before,
                quantity=quantity,
            )
    return [TaskRow(**row) for row in rows]


def get_task(connection: Connection, *, tenant_id: UUID, task_id: UUID) -> TaskRow:
    """One task. Raises `NotFoundError`, alike for unknown tasks and tasks of other tenants."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id, task_id=task_id)
    if row is None:
        raise NotFoundError(f"no task {task_id}")
    return TaskRow(**row)


def count_tasks(
    connection: Connection,
    *,
    tenant_id: UUID,
    states: tuple[str, ...] = TASK_STATES,
    queues: tuple[str, ...] = (),
    created_from: datetime | None = None,
) -> list[TaskCount]:
    """Tasks by queue and state, each counted up to `COUNT_CAP`."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.count.many(
            connection,
            tenant_id=tenant_id,
            states=list(states),
            queues=list(queues) or None,
            created_from=created_from,
            cap=COUNT_CAP,
        )
    return [TaskCount(**row) for row in rows if row["tasks"]]


def oldest_pending(connection: Connection, *, tenant_id: UUID, queues: list[str]) -> dict[str, float]:
    """For how many seconds the oldest claimable task of each queue has been waiting; queues without one are left out."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.oldest.many(connection, tenant_id=tenant_id, queues=queues)
    return {row["queue"]: row["seconds"] for row in rows}


def list_active(connection: Connection, *, tenant_id: UUID, minutes: int, quantity: int = 500) -> list[ActiveTask]:
    """Tasks that are being executed, of which something was heard within the last ``minutes``."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.active.many(connection, tenant_id=tenant_id, minutes=minutes, quantity=quantity)
    return [ActiveTask(**row) for row in rows]


def task_troubles(connection: Connection, *, tenant_id: UUID) -> Troubles:
    """What has gone wrong with the tasks that are being executed."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.troubles.one(connection, tenant_id=tenant_id, quantity=LOOKED_AT)
    assert row is not None  # noqa: S101 - an aggregate always answers
    return Troubles(**row)
