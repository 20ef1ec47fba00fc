"""Figures over many runs, each from a bounded number of the newest ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.insight import Durations, RunStatistics, StorySize, TimelineEntry, WorkflowStatistics

_sql = load("statistics")
MOST_RUNS = 10_000
MOST_ENTRIES = 10_000
TIMELINE_RUNS = 50  # of each status


def run_statistics(
    connection: Connection,
    *,
    tenant_id: UUID,
    since: datetime,
    until: datetime,
    name: str | None = None,
    quantity: int = MOST_RUNS,
) -> RunStatistics:
    """Figures about the runs that were started in a window of time, of one workflow or of all."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.runs.one(connection, tenant_id=tenant_id, name=name, since=since, until=until, quantity=quantity)
    assert row is not None  # noqa: S101 - an aggregate always answers
    return RunStatistics(
        since=since,
        until=until,
        total=row["total"],
        capped=row["total"] >= quantity,
        by_status=row["by_status"],
        failures=row["failures"],
        durations=_durations(row),
        total_seconds=row["seconds"] or 0.0,
    )


def workflow_statistics(
    connection: Connection, *, tenant_id: UUID, since: datetime, name: str | None = None, quantity: int = MOST_RUNS
) -> list[WorkflowStatistics]:
    """The same for each workflow by itself, the busiest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.by_workflow.many(connection, tenant_id=tenant_id, name=name, since=since, quantity=quantity)
    return [
        WorkflowStatistics(
            name=row["name"],
            total=row["total"],
            completed=row["completed"],
            failed=row["failed"],
            stopped=row["stopped"],
            durations=_durations(row),
            shortest=row["shortest"],
            longest=row["longest"],
        )
        for row in rows
    ]


def story_sizes(
    connection: Connection, *, tenant_id: UUID, run_ids: Sequence[UUID], cap: int = MOST_ENTRIES
) -> dict[UUID, StorySize]:
    """How much each of these runs has written. One query for all."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.story_sizes.many(connection, tenant_id=tenant_id, run_ids=list(run_ids), cap=cap)
    return {row.pop("workflow_run_id"): StorySize(**row) for row in rows}


def list_timeline(
    connection: Connection,
    *,
    tenant_id: UUID,
    since: datetime,
    workflow_run_id: UUID | None = None,
    kinds: Sequence[str] = (),
    quantity: int = 100,
) -> list[TimelineEntry]:
    """What happened since then, newest first: in one run, or in the tenant's newest runs of each status."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.timeline.many(
            connection,
            tenant_id=tenant_id,
            run_id=workflow_run_id,
            since=since,
            kinds=list(kinds) or None,
            walk=TIMELINE_RUNS,
            quantity=quantity,
        )
    return [TimelineEntry(**row) for row in rows]


def _durations(row: Row) -> Durations:
    median, p95, p99 = row["percentiles"] or (None, None, None)
    return Durations(row["average"], median, p95, p99)
