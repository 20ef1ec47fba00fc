"""Questions that nobody decides in time."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach

_logger = logging.getLogger(__name__)
_sql = load("approval")
_BATCH = 100


def expire_approvals(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """End questions whose time has passed, each as it was asked to. Returns how many."""
    expired = 0
    for row in _sql.overdue.many(connection, quantity=_BATCH):
        reach(FaultPoint.APPROVAL_EXPIRE)
        try:
            ended = _sql.expire.one(connection, tenant_id=row["tenant_id"], approval_id=row["approval_id"])
        except BusyError as error:
            _logger.warning(
                "approval %s could not be ended now: %s", row["approval_id"], error
            )  # the next round tries again
            continue
        expired += bool(ended and ended["expired"])
    return expired
