"""Rows whose time is over."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("service")
_BATCH = 1000


def forget_idempotency_keys(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Delete expired idempotency keys, a bounded number a round."""
    _sql.forget_idempotency.run(connection, quantity=_BATCH)
    return 1
