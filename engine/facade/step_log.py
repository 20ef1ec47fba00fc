"""What single steps have said and gone through."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.views import StoryEntry

_sql = load("step_log")


def list_step_logs(
    connection: Connection,
    *,
    tenant_id: UUID,
    workflow_run_id: UUID,
    step: str | None = None,
    after: int = 0,
    quantity: int = 500,
) -> list[StoryEntry]:
    """Log lines of a step by its key or its task's id, or of every step, oldest first, behind the number ``after``."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.lines.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            step=step,
            after=after,
            quantity=quantity,
        )
    return [StoryEntry(**row) for row in rows]


def list_step_story(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, scope: str, step_key: str, quantity: int = 500
) -> list[StoryEntry]:
    """What the journal tells of one execution of a step: failed attempts and the like, oldest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.story.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            scope=scope,
            step_key=step_key,
            quantity=quantity,
        )
    return [StoryEntry(**row) for row in rows]
