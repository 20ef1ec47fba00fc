"""Keeps the mark up to which the numbers of all stories are settled, so that whoever follows one knows where to come back to."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("story")


def settle(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Move the mark as far as the oldest transaction that is still open allows. Nothing is written when there is nothing new."""
    row = _sql.settle.one(connection)
    return int(row["settled"]) if row else 0
