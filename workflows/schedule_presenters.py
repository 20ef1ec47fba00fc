"""Schedules as the plain JSON of the API."""

from __future__ import annotations

from typing import Any

from engine import facade
from engine.model.schedules import Backfill, ScheduleView, TickView

from .presenters import time

Json = dict[str, Any]


def schedule(view: ScheduleView) -> Json:
    """A schedule with its policies and where it stands."""
    spec = view.spec
    shown = {
        "schedule_id": str(view.schedule_id),
        "name": spec.name,
        "workflow_name": spec.workflow_name,
        "definition_id": str(spec.definition_id) if spec.definition_id else None,
        "schedule_cron": spec.timing,
        "description": facade.describe_timing(spec.timing),
        "timezone": spec.zone,
        "skipped_times": spec.skipped,
        "doubled_times": spec.doubled,
        "overlap": spec.overlap,
        "catchup": spec.catchup,
        "catchup_limit": spec.catchup_limit,
        "catchup_seconds": spec.catchup_seconds,
        "jitter_seconds": spec.jitter_seconds,
        "starts_at": time(spec.starts_at),
        "ends_at": time(spec.ends_at),
        "inputs": spec.inputs,
        "queue": spec.queue,
        "priority": spec.priority,
        "tags": spec.tags,
        "max_failures": spec.max_failures,
        **_standing(view),
    }
    return shown if view.runs is None else {**shown, "execution_count": view.runs}


def _standing(view: ScheduleView) -> Json:
    return {
        "source": view.source,
        "state": view.state,
        "is_active": view.state == "active",
        "paused_at": time(view.paused_at),
        "paused_by": view.paused_by,
        "pause_reason": view.pause_reason,
        "trouble": view.trouble,
        "last_tick_at": time(view.last_at),
        "next_run_at": time(view.next_at) if view.state == "active" else None,
        "last_run_at": time(view.last_run_at),
        "last_statuses": view.last_statuses,
        "last_error": view.last_error,
        "created_at": time(view.created_at),
        "created_by": view.created_by,
        "updated_at": time(view.updated_at),
    }


def tick(view: TickView) -> Json:
    """One tick with the run that it started. ``status`` is the run's, or what was decided instead."""
    took = view.finished_at - view.started_at if view.started_at and view.finished_at else None
    run_id = str(view.workflow_run_id) if view.workflow_run_id else None
    return {
        "scheduled_at": time(view.tick_at),
        "kind": view.kind,
        "outcome": view.outcome,
        "reason": view.reason,
        "decided_at": time(view.decided_at),
        "decided_by": view.decided_by,
        "workflow_run_id": run_id,
        "run_id": run_id,
        "status": view.run_status or view.outcome,
        "started_at": time(view.started_at),
        "completed_at": time(view.finished_at),
        "duration_seconds": took.total_seconds() if took else None,
    }


def backfill(done: Backfill) -> Json:
    """What a backfill did, or would do."""
    return {
        "dry_run": done.dry_run,
        "count": done.count,
        "already_fired": done.already_fired,
        "first_at": time(done.first_at),
        "last_at": time(done.last_at),
        "workflow_run_ids": [str(run_id) for run_id in done.run_ids],
    }
