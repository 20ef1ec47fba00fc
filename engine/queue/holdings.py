"""What a worker holds according to the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.model.task import FinalState

_sql = load("worker")


@dataclass(frozen=True, slots=True)
class Holding:
    """A running task claimed by the worker, whether it shall stop, how, and why, and whether it shall pause."""

    tenant_id: UUID
    task_id: UUID
    epoch: int
    cancel_requested: bool
    pause_requested: bool
    cancel_reason: str | None
    cancel_outcome: FinalState | None


def holdings(connection: Connection, worker_id: UUID) -> list[Holding]:
    """All running tasks that are claimed by the worker."""
    return [Holding(**row) for row in _sql.claims.many(connection, worker_id=worker_id)]


def let_go(connection: Connection, lost: Sequence[Holding]) -> int:
    """Give up claims that the worker does not know of, for others to take after a pause. Returns how many."""
    rows = _sql.let_go.many(
        connection,
        tenant_ids=[holding.tenant_id for holding in lost],
        task_ids=[holding.task_id for holding in lost],
        epochs=[holding.epoch for holding in lost],
    )
    return len(rows)
