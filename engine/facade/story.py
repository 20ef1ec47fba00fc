"""The story of a run: everything that happened, in one order."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.views import StoryEntry

_sql = load("run")


def list_story(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, after: int = 0, quantity: int = 500
) -> list[StoryEntry]:
    """Steps, attempts, events, signals and interventions behind the number ``after``, oldest first, at most ``quantity``. Logs are apart."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.story.many(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, after=after, quantity=quantity
        )
    return [StoryEntry(**row) for row in rows]


def list_logs(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, after: int = 0, quantity: int = 500
) -> list[StoryEntry]:
    """Log lines behind the number ``after``; ``data`` has ``level`` and ``message``."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.journal.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            kinds=["log"],
            after=after,
            quantity=quantity,
        )
    return [StoryEntry(**row) for row in rows]
