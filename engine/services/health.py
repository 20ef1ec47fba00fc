"""What the health page shows: progress, not living processes."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("service")


def measure(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Write down how much work is due and how long the oldest has been waiting."""
    _sql.measure.run(connection)
    return 1
