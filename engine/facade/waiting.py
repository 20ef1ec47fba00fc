"""Why is it not going on? The database answers for every open run; here the answer gets its types."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.views import Reason, RunView

_sql = load("run")


def why_waiting(connection: Connection, *, tenant_id: UUID, run: RunView) -> list[Reason]:
    """The causes, the most telling first; empty for an ended run and for one that is being executed right now."""
    if not run.is_open:
        return []
    with tenant_transaction(connection, tenant_id):
        rows = _sql.why_waiting.many(connection, tenant_id=tenant_id, workflow_run_id=run.workflow_run_id)
    return [Reason(**row) for row in rows]
