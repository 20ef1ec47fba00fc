"""Runs end at their deadline."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.queue.stopping import stop_runs

_sql = load("service")
_BATCH = 100


def stop_expired_runs(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Stop open runs past their deadline, as their definition says: failed or cancelled. Returns how many."""
    rows = _sql.expired_runs.many(connection, quantity=_BATCH)
    return stop_runs(
        connection,
        [(row["tenant_id"], row["workflow_run_id"], row["outcome"]) for row in rows],
        "the run's deadline has passed",
    )
