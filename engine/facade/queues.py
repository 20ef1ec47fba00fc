"""Queues: what is in them, and pause, drain and caps, by a tenant for its own tasks or by the platform for everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.flow import QueueView

_sql = load("flow")
ALL_TENANTS = UUID(int=0)  # whose policy of a queue is everybody's
COUNT_CAP = 10_000


class Unchanged:
    """The type of `UNCHANGED`."""


UNCHANGED = Unchanged()


@dataclass(frozen=True, slots=True)
class QueueChange:
    """What to change of a queue; None leaves pause and drain as they are, and None as a cap takes it away."""

    paused: bool | None = None
    reason: str = ""
    draining: bool | None = None
    max_running: int | Unchanged | None = UNCHANGED


def list_queues(connection: Connection, *, tenant_id: UUID) -> list[QueueView]:
    """The queues that concern a tenant, by name; pending tasks are counted up to 10,000 each."""
    return _queues(connection, tenant_id, None)


def get_queue(connection: Connection, *, tenant_id: UUID, name: str) -> QueueView:
    """One queue. Raises `NotFoundError` for a name that no task, worker or policy has."""
    found = _queues(connection, tenant_id, [name])
    if not found:
        raise NotFoundError(f"no queue {name!r}")
    return found[0]


def change_queue(connection: Connection, *, tenant_id: UUID, name: str, change: QueueChange, by: str) -> QueueView:
    """Pause, resume, drain or cap a queue for one tenant, or for all (`ALL_TENANTS`). Running tasks go on; pending ones stay pending."""
    capped = not isinstance(change.max_running, Unchanged)
    with tenant_transaction(connection, tenant_id):
        _sql.change_queue.one(
            connection,
            tenant_id=tenant_id,
            queue=name,
            paused=change.paused,
            by=by,
            reason=change.reason,
            draining=change.draining,
            set_max_running=capped,
            max_running=change.max_running if capped else None,
        )
        return get_queue(connection, tenant_id=tenant_id, name=name)


def _queues(connection: Connection, tenant_id: UUID, names: list[str] | None) -> list[QueueView]:
    with tenant_transaction(connection, tenant_id):
        rows = _sql.queues.many(connection, tenant_id=tenant_id, names=names, cap=COUNT_CAP)
    return [_view(row) for row in rows]


def _view(row: Row) -> QueueView:
    values: dict[str, Any] = dict(row)
    return QueueView(**values)
