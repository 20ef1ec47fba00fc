"""Activities as the plain JSON of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.model.activity_views import ActivityView, HeartbeatView
from engine.model.views import StoryEntry, WorkerView

from .presenters import time

Json = dict[str, Any]


def activity(view: ActivityView) -> Json:
    """An activity in a list."""
    return {
        **_identity(view),
        "workflow_name": view.workflow_name,
        "queue": view.queue,
        "priority": view.priority,
        "worker_name": view.worker,
        "processes": view.processes,
        "created_at": time(view.created_at),
        "retry_at": time(view.retry_at),
        "cancel_requested": view.cancel_requested,
        "completion_event": view.completion_event,
        "last_heartbeat_at": time(view.last_heartbeat_at),
        "heartbeat_age_seconds": view.silent_seconds if view.state == "running" else None,
        "heartbeat_count": view.heartbeats,
        "heartbeat_details": view.details,
        "error": view.error or view.last_error,
    }


def activity_detail(view: ActivityView, given: Any) -> Json:
    """One activity with what it was given, what it gave, and its limits in seconds."""
    return {
        **activity(view),
        "parameters": given,
        "result": view.result,
        "limits": {
            "schedule_to_start_by": time(view.start_by),
            "schedule_to_close_by": time(view.close_by),
            "start_to_close_seconds": view.start_to_close_seconds,
            "heartbeat_seconds": view.heartbeat_seconds,
        },
    }


def heartbeat(view: HeartbeatView) -> Json:
    """One heartbeat."""
    return {
        "number": view.number,
        "timestamp": time(view.at),
        "attempt": view.attempt,
        "worker_id": str(view.worker_id) if view.worker_id else None,
        "details": view.details,
    }


def activity_log(view: ActivityView, lines: Sequence[StoryEntry]) -> Json:
    """How an activity went, and how much it logged."""
    levels = Counter(str(line.data.get("level")).upper() for line in lines)
    return {**_identity(view), "captured_logs_count": len(lines), "log_level_counts": dict(levels)}


def captured_line(line: StoryEntry) -> Json:
    """One line that an activity logged."""
    return {
        "ts": line.at.timestamp(),
        "timestamp": time(line.at),
        "level": str(line.data.get("level")).upper(),
        "logger": line.step_key,
        "msg": line.data.get("message"),
        "data": line.data.get("data"),
    }


def busy_worker(worker: WorkerView, running: Sequence[ActivityView]) -> Json:
    """A live worker and the tenant's activities on it."""
    return {
        "worker_id": str(worker.worker_id),
        "worker_name": worker.name,
        "queues": worker.queues,
        "slots": worker.slots,
        "draining": worker.draining,
        "last_seen_at": time(worker.last_seen_at),
        "activities": [activity(view) for view in running],
    }


def _identity(view: ActivityView) -> Json:
    return {
        "activity_id": str(view.task_id),
        "activity_key": view.key,
        "activity_name": view.key.rsplit("/", 1)[-1],
        "function_name": view.function,
        "workflow_run_id": str(view.workflow_run_id),
        "status": view.state,
        "attempt": view.attempt,
        "max_attempts": view.max_attempts,
        "worker_id": str(view.worker_id) if view.worker_id else None,
        "started_at": time(view.started_at),
        "completed_at": time(view.finished_at),
        "duration_ms": view.duration_ms,
    }
