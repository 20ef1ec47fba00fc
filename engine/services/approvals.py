"""Questions that nobody decides in time."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach

_sql = load("approval")
_BATCH = 100


def expire_approvals(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """End questions whose time has passed, each as it was asked to. Returns how many. What somebody holds is passed by: it is being decided."""
    late = _sql.overdue.many(connection, quantity=_BATCH)
    if not late:
        return 0
    reach(FaultPoint.APPROVAL_EXPIRE)
    ids = {"tenant_ids": [row["tenant_id"] for row in late], "approval_ids": [row["approval_id"] for row in late]}
    row = _sql.expire.one(connection, **ids)
    return int(row["expired"]) if row else 0
