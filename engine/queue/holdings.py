"""What a worker holds according to the database."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.model.task import FinalState

_sql = load("worker")


@dataclass(frozen=True, slots=True)
class Holding:
    """A running task claimed by the worker, and whether it shall stop, how, and why."""

    tenant_id: UUID
    task_id: UUID
    epoch: int
    cancel_requested: bool
    cancel_reason: str | None
    cancel_outcome: FinalState | None


def holdings(connection: Connection, worker_id: UUID) -> list[Holding]:
    """All running tasks that are claimed by the worker."""
    return [Holding(**row) for row in _sql.claims.many(connection, worker_id=worker_id)]
