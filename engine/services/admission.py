"""Children that stand at the door of a queue come in when it takes runs again and the backlog of their tenant has room."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("admission")
_TENANTS = 1_000
_CHILDREN = (
    500  # of one tenant in a round, each tenant in a transaction of its own: submissions wait no longer than that
)


def admit_children(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Let in whom there is room for, the oldest first. Returns how many. Where nobody stands at a door it is one look into an empty index."""
    admitted = 0
    for tenant in _sql.tenants.many(connection, quantity=_TENANTS):
        try:
            row = _sql.admit.one(connection, tenant_id=tenant["tenant_id"], quantity=_CHILDREN)
        except BusyError as error:
            _logger.warning("children of tenant %s were not let in: %s", tenant["tenant_id"], error)  # next round
            continue
        admitted += row["admitted"] if row else 0
    return admitted
