"""Whoever is first in line for a named lock does not sleep."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("lock")
_BATCH = 200


def wake_first_in_line(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Wake tasks that hold a lock by now and do not know it: those whose row was busy when the lock came to them. Returns how many."""
    return len(_sql.wake_first.many(connection, quantity=_BATCH))
