"""Reports of running activities, and the limits that they may break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.model.activity import Ack, Beat
from engine.model.task import ClaimedTask

_sql = load("activity")
beat_query = _sql.queries["beat"]
BEAT_COLUMNS = ("attempts", "running", "silent", "own", "details")


def beat_columns(beat: Beat) -> tuple[Any, ...]:
    """A report as a row of `BEAT_COLUMNS`."""
    return beat.attempt, beat.running_seconds, beat.silent_seconds, beat.own, beat.details


def report(connection: Connection, beats: Sequence[tuple[ClaimedTask, Beat]], worker_id: UUID) -> list[Ack]:
    """Write the reports of running attempts in one statement, each fenced by its claim; what somebody holds is passed by."""
    if not beats:
        return []
    reach(FaultPoint.ACTIVITY_BEAT)
    columns = zip(*(beat_columns(beat) for _, beat in beats), strict=True)
    rows = beat_query.many(
        connection,
        tenant_ids=[task.tenant_id for task, _ in beats],
        task_ids=[task.task_id for task, _ in beats],
        epochs=[task.epoch for task, _ in beats],
        worker_id=worker_id,
        **{name: list(column) for name, column in zip(BEAT_COLUMNS, columns, strict=True)},
    )
    reach(FaultPoint.ACTIVITY_BEAT_AFTER)
    return [Ack(**row) for row in rows]
