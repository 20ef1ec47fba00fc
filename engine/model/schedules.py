"""Schedules as data: what somebody asks for, what is stored, and what became of each tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.model.json import JsonObject

Skipped = Literal["shift", "skip"]
Doubled = Literal["once", "twice"]
Overlap = Literal["allow", "skip", "buffer_one", "buffer_all", "cancel_other"]
Catchup = Literal["none", "last", "all"]
ScheduleState = Literal["active", "paused", "ended", "deleted"]
TickKind = Literal["scheduled", "manual", "backfill"]
TickOutcome = Literal["fired", "waiting", "skipped", "missed", "failed"]


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """What a schedule starts, when, and by which policies. Without ``definition_id`` each tick runs the newest version of the workflow."""

    name: str
    workflow_name: str
    timing: str
    definition_id: UUID | None = None
    zone: str = "UTC"
    skipped: Skipped = "shift"
    doubled: Doubled = "once"
    overlap: Overlap = "skip"
    catchup: Catchup = "last"
    catchup_limit: int = 100
    catchup_seconds: float | None = None
    jitter_seconds: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    inputs: JsonObject = field(default_factory=dict)
    queue: str = "default"
    priority: int = 0
    tags: list[str] = field(default_factory=list)
    max_failures: int | None = None


@dataclass(frozen=True, slots=True)
class TickView:
    """One tick: when it was scheduled, what was decided, and the run that it started, with that run's state now."""

    tick_at: datetime
    kind: TickKind
    outcome: TickOutcome
    reason: str
    decided_at: datetime
    decided_by: str
    workflow_run_id: UUID | None
    run_status: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A stored schedule. Every tick up to ``last_at`` is decided; ``next_at`` is the first one behind it; ``trouble`` says why it cannot be told.

    ``last_statuses`` are of its last ten ticks, newest first: the state of the run, or what was decided instead. ``runs`` is not counted in lists.
    """

    schedule_id: UUID
    spec: ScheduleSpec
    source: Literal["api", "definition"]
    state: ScheduleState
    last_at: datetime
    next_at: datetime | None
    due_at: datetime | None
    anchor_at: datetime
    trouble: str | None
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    last_run_at: datetime | None = None
    runs: int | None = None
    last_statuses: list[str] = field(default_factory=list)
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill does, or would do: the ticks that fire, and those that do not because they have fired before."""

    dry_run: bool
    count: int
    already_fired: int
    first_at: datetime | None
    last_at: datetime | None
    run_ids: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScheduleSummary:
    """The schedules of a tenant in figures."""

    active: int
    paused: int
    due: int
    next_at: datetime | None
