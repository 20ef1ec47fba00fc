"""Reading runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.facade.search import list_marked_runs
from engine.facade.tenancy import tenant_transaction
from engine.model.views import EventView, Related, RunFilter, RunRow, RunView, SignalView, VariableView

_sql = load("run")
COUNT_CAP = 10_000


def get_run(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> RunView:
    """One run. Raises `NotFoundError`, alike for unknown runs and runs of other tenants."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    if row is None:
        raise NotFoundError(f"no workflow run {workflow_run_id}")
    for name in ("tenant_id", "claimed_by", "available_at"):
        del row[name]
    return RunView(**row | {"attempt": row["attempt"] or 0})


def list_runs(
    connection: Connection,
    *,
    tenant_id: UUID,
    chosen: RunFilter,
    before: UUID | None = None,
    quantity: int = 50,
    walk: int | None = None,
) -> list[RunRow]:
    """Runs, newest first; ``before`` is the id of the last run of the page before. A text is looked for in the newest ``walk`` runs, or in all."""
    which = filter_parameters(chosen)
    del which["tags"]  # these, like attributes, have an index of their own
    if chosen.tags or chosen.attributes:
        return list_marked_runs(
            connection, tenant_id=tenant_id, chosen=chosen, filters=which, before=before, quantity=quantity
        )
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list.many(connection, tenant_id=tenant_id, before=before, quantity=quantity, walk=walk, **which)
    return [RunRow(**row) for row in rows]


def filter_parameters(chosen: RunFilter) -> dict[str, Any]:
    """A filter as the queries take it: NULL does not filter."""
    patterns = [_pattern(name) for name in chosen.names] if any("*" in name for name in chosen.names) else None
    return {
        "statuses": list(chosen.statuses) or None,
        "names": None if patterns else list(chosen.names) or None,
        "patterns": patterns,
        "tags": list(chosen.tags) or None,
        "text": f"%{_escaped(chosen.text)}%" if chosen.text else None,
        "created_from": chosen.created_from,
        "created_to": chosen.created_to,
    }


def count_by_status(connection: Connection, *, tenant_id: UUID, created_from: datetime | None = None) -> dict[str, int]:
    """Runs of each status, each counted up to `COUNT_CAP`."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.count_by_status.many(connection, tenant_id=tenant_id, created_from=created_from, cap=COUNT_CAP)
    return {row["status"]: row["runs"] for row in rows}


def count_newer(connection: Connection, *, tenant_id: UUID, after: UUID, cap: int = 1000) -> int:
    """How many runs were started after the given one, counted up to ``cap``."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.count_newer.one(connection, tenant_id=tenant_id, after=after, cap=cap)
    return int(row["runs"]) if row else 0


def run_tag(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> int:
    """A number that changes with every change a page may show; one indexed read. Raises `NotFoundError`."""
    tags = run_tags(connection, tenant_id=tenant_id, run_ids=[workflow_run_id])
    if workflow_run_id not in tags:
        raise NotFoundError(f"no workflow run {workflow_run_id}")
    return tags[workflow_run_id]


def run_tags(connection: Connection, *, tenant_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The same for several runs in one read; unknown ones are left out."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.tags.many(connection, tenant_id=tenant_id, run_ids=list(run_ids))
    return {row["workflow_run_id"]: row["tag"] for row in rows}


def list_checkpoints(
    connection: Connection,
    *,
    tenant_id: UUID,
    workflow_run_id: UUID,
    scope: str | None = None,
    step_key: str | None = None,
    after: int = 0,
    quantity: int = 1000,
) -> list[Row]:
    """Checkpoints in the order in which they were written, behind the number ``after``."""
    with tenant_transaction(connection, tenant_id):
        return _sql.checkpoints.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            scope=scope,
            step_key=step_key,
            after=after,
            quantity=quantity,
        )


def list_events(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[EventView]:
    """The run's events, oldest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.events.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [EventView(**row) for row in rows]


def list_signals(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[SignalView]:
    """The run's inbox, oldest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.signals.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [SignalView(**row) for row in rows]


def list_variables(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, scope: str = ""
) -> list[VariableView]:
    """The variables of the run, or of one of its branches, by name."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.variables.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, scope=scope)
    return [VariableView(**row) for row in rows]


def list_related(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[Related]:
    """Parent, children and retries of a run."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.family.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [Related(**row) for row in rows]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _pattern(name: str) -> str:
    return _escaped(name).replace("*", "%")
