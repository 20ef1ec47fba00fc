"""Activities: reading them, and stopping one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.facade.reads import COUNT_CAP
from engine.facade.tenancy import tenant_transaction
from engine.model.activity_views import ActivityView, HeartbeatView
from engine.model.views import StoryEntry

_sql = load("activity")
CLEANUP_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities; None or empty does not filter. ``function`` is a part of the tool's name.

    ``silent_for_seconds``: those whose last sign of life is at least so old.
    """

    states: Sequence[str] = ()
    workflow_run_id: UUID | None = None
    worker_id: UUID | None = None
    function: str = ""
    silent_for_seconds: float | None = None


def list_activities(
    connection: Connection, *, tenant_id: UUID, chosen: ActivityFilter, before: UUID | None = None, quantity: int = 100
) -> list[ActivityView]:
    """Activities, newest first; ``before`` is the id of the last one of the page before."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=chosen.workflow_run_id,
            task_id=None,
            states=list(chosen.states) or None,
            worker_id=chosen.worker_id,
            function=f"%{_escaped(chosen.function)}%" if chosen.function else None,
            silent_for=chosen.silent_for_seconds,
            before=before,
            quantity=quantity,
        )
    return [ActivityView(**row) for row in rows]


def get_activity(connection: Connection, *, tenant_id: UUID, activity_id: UUID) -> ActivityView:
    """One activity by the id of its task. Raises `NotFoundError`, alike for unknown ones and those of other tenants."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.list.one(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=None,
            task_id=activity_id,
            states=None,
            worker_id=None,
            function=None,
            silent_for=None,
            before=None,
            quantity=1,
        )
    if row is None:
        raise NotFoundError(f"no activity {activity_id}")
    return ActivityView(**row)


def list_heartbeats(
    connection: Connection, *, tenant_id: UUID, activity_id: UUID, quantity: int = 100
) -> list[HeartbeatView]:
    """The last heartbeats that the activity's own code has sent, newest first; at most a hundred are kept."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.heartbeats.many(connection, tenant_id=tenant_id, task_id=activity_id, quantity=quantity)
    return [HeartbeatView(**row) for row in rows]


def list_activity_logs(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, keys: Sequence[str], quantity: int = 1000
) -> list[StoryEntry]:
    """The last lines that activities of a run have logged, oldest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.logs.many(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, scopes=list(keys), quantity=quantity
        )
    return [StoryEntry(**row) for row in rows]


def count_activities(connection: Connection, *, tenant_id: UUID) -> dict[str, int]:
    """Activities of each state, each counted up to a cap."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.count_by_state.many(connection, tenant_id=tenant_id, cap=COUNT_CAP)
    return {row["state"]: row["activities"] for row in rows}


def cancel_activity(connection: Connection, *, tenant_id: UUID, activity_id: UUID, reason: str = "cancelled") -> str:
    """Ask one activity to stop; returns its state now. Its run goes on, and goes by how the activity has ended.

    Raises `NotFoundError`, and `StateError` when it has ended.
    """
    with tenant_transaction(connection, tenant_id):
        row = _sql.cancel.one(connection, tenant_id=tenant_id, task_id=activity_id, reason=reason)
    return str(row["state"]) if row else ""


def forget_heartbeats(connection: Connection, *, tenant_id: UUID, keep_seconds: float) -> int:
    """Delete the tenant's heartbeats older than ``keep_seconds``, at most `CLEANUP_BATCH` at a time; returns how many."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.forget_heartbeats.one(
            connection, tenant_id=tenant_id, keep_seconds=keep_seconds, quantity=CLEANUP_BATCH
        )
    return int(row["deleted"]) if row else 0


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
