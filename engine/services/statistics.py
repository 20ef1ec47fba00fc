"""What the planner believes of tables that are young."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("service")
_logger = logging.getLogger(__name__)


def count_what_has_grown(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Count tables that have grown much since they were counted, so that whoever has planned with them plans anew. Returns how many."""
    counted = [row["name"] for row in _sql.count_what_has_grown.many(connection)]
    if counted:
        _logger.info("counted anew: %s", ", ".join(counted))
    return len(counted)
