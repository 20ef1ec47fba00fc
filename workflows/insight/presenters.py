"""Tasks, figures and timelines as the plain JSON of the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from engine.model.insight import (
    ActiveTask,
    Durations,
    RunStatistics,
    StorySize,
    TaskCount,
    TaskRow,
    TimelineEntry,
    WorkflowStatistics,
)
from engine.model.views import RunRow, RunView

from ..presenters import checkpoint, time
from .selectors import TaskDetail

Json = dict[str, Any]


def task(row: TaskRow) -> Json:
    """A task in a list."""
    return {
        "task_id": str(row.task_id),
        "workflow_run_id": str(row.workflow_run_id),
        "workflow_name": row.name,
        "kind": row.kind,
        "key": row.key,
        "state": row.state,
        "status": row.state,
        "queue": row.queue,
        "queue_name": row.queue,
        "priority": row.priority,
        "attempt": row.attempt,
        "rescues": row.rescues,
        "worker": row.worker,
        "error": (row.error or {}).get("message"),
        "available_at": time(row.available_at),
        "claimed_at": time(row.claimed_at),
        "created_at": time(row.created_at),
        "finished_at": time(row.finished_at),
    }


def task_detail(detail: TaskDetail) -> Json:
    """A task with what it has checkpointed and which attempts failed."""
    return {
        **task(detail.task),
        "error_details": detail.task.error,
        "attempts": [timeline_entry(entry) for entry in detail.attempts],
        "checkpoints": [checkpoint(row) for row in detail.checkpoints],
    }


def by_queue(counts: Iterable[TaskCount]) -> dict[str, dict[str, int]]:
    """Queue -> state -> how many."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for count in counts:
        found[count.queue][count.state] = count.tasks
    return dict(found)


def by_state(counts: Iterable[TaskCount]) -> dict[str, int]:
    """State -> how many."""
    found: dict[str, int] = defaultdict(int)
    for count in counts:
        found[count.state] += count.tasks
    return dict(found)


def active(row: ActiveTask) -> list[Json]:
    """One entry for each step that has run for a while; one without a step for a task that is between steps."""
    entry: Json = {
        "task_run_id": str(row.task_id),
        "workflow_run_id": str(row.workflow_run_id),
        "workflow_name": row.name,
        "worker_id": row.worker,
        "status": "RUNNING" if row.worker else "LOST",
        "updated_at": time(row.updated_at),
        "started_at": time(row.claimed_at),
        "step_name": None,
        "tool_name": None,
        "metadata": {"kind": row.kind, "scope": row.key, "attempt": row.attempt},
    }
    return [_step_of(entry, step) for step in row.running_steps or ()] or [entry]


def _step_of(entry: Json, step: Json) -> Json:
    told = {"operator": step.get("operator"), "step_name": step["key"], "step_attempt": step["attempt"]}
    return {
        **entry,
        "step_name": step["key"],
        "tool_name": step.get("tool"),
        "started_at": step["started_at"],
        "metadata": {**entry["metadata"], **told},
    }


def statistics(figures: RunStatistics) -> Json:
    """Figures about runs, in seconds."""
    return {
        "total_workflows": figures.total,
        "capped": figures.capped,
        "status_breakdown": dict(figures.by_status),
        "failures_by_kind": dict(figures.failures),
        "success_rate": figures.success_rate,
        **_durations(figures.durations),
        "total_duration_seconds": figures.total_seconds,
        "time_range": {"since": time(figures.since), "until": time(figures.until)},
    }


def log_statistics(figures: RunStatistics, average_entries: float | None) -> Json:
    """The same as logs tell it: in milliseconds, success or failure."""
    failures = {"failed", "cancelled", "compensated"}
    return {
        "total_workflows": figures.total,
        "capped": figures.capped,
        "status_breakdown": {
            "success": figures.by_status.get("completed", 0),
            "failure": sum(figures.by_status.get(status, 0) for status in failures),
        },
        "success_rate": figures.success_rate,
        **{name.replace("_seconds", "_ms"): _ms(value) for name, value in _durations(figures.durations).items()},
        "total_duration_ms": _ms(figures.total_seconds),
        "avg_event_count": average_entries,
    }


def performance(figures: WorkflowStatistics) -> Json:
    """Figures about one workflow."""
    return {
        "workflow_name": figures.name,
        "total": figures.total,
        "completed": figures.completed,
        "failed": figures.failed,
        "stopped": figures.stopped,
        "success_rate": figures.success_rate,
        **_durations(figures.durations),
        "min_duration_seconds": figures.shortest,
        "max_duration_seconds": figures.longest,
    }


def run_metrics(run: RunView, size: StorySize) -> Json:
    """How much one run has done."""
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "workflow_name": run.name,
        "status": run.status,
        "duration_seconds": seconds,
        "created_at": time(run.created_at),
        "updated_at": time(run.finished_at or run.started_at or run.created_at),
        "step_count": size.steps,
        "event_count": size.entries,
        "retry_count": size.retries,
        "checkpoint_count": size.checkpoints,
        "signal_count": size.signals,
        "log_count": size.logs,
    }


def run_log(run: RunRow | RunView, size: StorySize) -> Json:
    """An ended run as logs tell it."""
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "workflow_name": run.name,
        "status": log_status(run.status),
        "state": run.status,
        "started_at": time(run.started_at),
        "completed_at": time(run.finished_at),
        "logged_at": time(run.finished_at),
        "duration_ms": _ms(seconds),
        "error_message": (run.error or {}).get("message"),
        "event_count": size.entries,
        "log_count": size.logs,
    }


def log_status(status: str) -> str:
    """success or failure once it has ended; else what it is."""
    known = {"completed": "success", "succeeded": "success"}
    known |= dict.fromkeys(("failed", "cancelled", "compensated", "timedout"), "failure")
    return known.get(status, status)


def timeline_entry(entry: TimelineEntry) -> Json:
    """Something that happened in one of many runs."""
    return {
        "seq": entry.seq,
        "event_type": entry.kind,
        "timestamp": time(entry.at),
        "workflow_run_id": str(entry.workflow_run_id),
        "workflow_name": entry.name,
        "scope": entry.scope,
        "step_name": entry.step_key,
        "data": entry.data,
    }


def _durations(durations: Durations) -> dict[str, float | None]:
    return {
        "avg_duration_seconds": durations.average,
        "p50_duration_seconds": durations.median,
        "p95_duration_seconds": durations.p95,
        "p99_duration_seconds": durations.p99,
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
