"""Children do not outlive a parent that failed or was cancelled."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.queue.stopping import stop_runs

_sql = load("service")
_BATCH = 100


def stop_orphans(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Cancel open child runs whose parent has ended badly. Returns how many."""
    rows = _sql.orphans.many(connection, quantity=_BATCH)
    return stop_runs(
        connection,
        [(row["tenant_id"], row["workflow_run_id"], "cancelled") for row in rows],
        "its parent run has ended",
        orphans=True,
    )
