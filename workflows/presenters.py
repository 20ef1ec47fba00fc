"""Views of the engine as the plain JSON of the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.model.messages import UndoView, UpdateView
from engine.model.views import (
    DefinitionView,
    EventView,
    Reason,
    RunRow,
    RunView,
    SignalView,
    StepView,
    StoryEntry,
    Submitted,
)

from .selectors import RunState

Json = dict[str, Any]

# Clients older than the state `compensated` wait for one of completed, failed and cancelled, and would wait for ever.
_STATE_FOR_OLDER_CLIENTS = {"compensated": "failed"}


def time(value: datetime | None) -> str | None:
    """ISO 8601 with its zone."""
    return value.isoformat() if value else None


def submitted(run: Submitted) -> Json:
    """A run that was accepted."""
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "definition_id": str(run.definition_id),
        "definition_hash": run.definition_hash,
        "workflow_name": run.name,
        "version": run.version,
        "status": run.status,
        "state": run.status,
        "joined": run.joined,
    }


def run_row(run: RunRow | RunView) -> Json:
    """A run in a list."""
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "workflow_name": run.name,
        "name": run.name,
        "version": run.version,
        "definition_id": str(run.definition_id),
        "definition_hash": run.definition_hash,
        "status": run.status,
        "state": _STATE_FOR_OLDER_CLIENTS.get(run.status, run.status),
        "queue": run.queue,
        "priority": run.priority,
        "trigger": run.trigger,
        "triggered_by": run.triggered_by,
        "tags": run.tags,
        "parent_run_id": str(run.parent_run_id) if run.parent_run_id else None,
        "retry_of": str(run.retry_of) if run.retry_of else None,
        "error": (run.error or {}).get("message"),
        "created_at": time(run.created_at),
        "started_at": time(run.started_at),
        "finished_at": time(run.finished_at),
        "completed_at": time(run.finished_at),
        "cancel_requested_at": time(run.cancel_requested_at),
    }


def run_detail(state: RunState) -> Json:
    """A run with what it did, does, and waits for."""
    run = state.run
    return {
        **run_row(run),
        "inputs": run.inputs,
        "attributes": run.attributes,
        "current_step": state.current_step,
        "progress": {"completed": state.done, "total": state.total, "percent": _percent(state.done, state.total)},
        "result": state.result,
        "error_details": run.error,
        "failed_step": (run.error or {}).get("step"),
        "logs": [log_line(entry) for entry in state.logs],
        "deadline_at": time(run.deadline_at),
        "paused_at": time(run.paused_at),
        "paused_by": run.paused_by,
        "pause_reason": run.pause_reason,
        "fork_of": str(run.fork_of) if run.fork_of else None,
        "fork_step": run.fork_step,
        "continued_from": str(run.continued_from) if run.continued_from else None,
        "continued_to": str(run.continued_to) if run.continued_to else None,
        "cancel_reason": run.cancel_reason,
        "worker": run.worker,
        "why_waiting": [reason(cause) for cause in state.reasons],
    }


def reason(cause: Reason) -> Json:
    """One cause why a run is not going on."""
    return {
        "code": cause.code,
        "text": cause.text,
        "scope": cause.scope,
        "step_name": cause.step_key,
        "until": time(cause.until),
        "data": cause.data,
    }


def step(view: StepView) -> Json:
    """One execution of a step."""
    seconds = view.duration_ms / 1000 if view.duration_ms is not None else None
    return {
        "step_name": view.key,
        "scope": view.scope,
        "task_id": view.task_id,
        "operator": view.operator,
        "status": view.status,
        "started_at": time(view.started_at),
        "completed_at": time(view.finished_at),
        "duration_seconds": seconds,
        "attempt": view.attempt,
        "retry_count": max(view.attempt - 1, 0),
        "has_checkpoint": view.finished_at is not None,
        "error": view.error,
        "reason": view.reason or None,
        "worker": view.worker,
    }


def step_detail(view: StepView) -> Json:
    """One execution of a step with its data and its failed attempts."""
    waits = view.wait
    return {
        **step(view),
        "input": view.input,
        "result": view.result,
        "checkpoint_data": view.result,
        "attempts": [{"attempt": one.attempt, "at": time(one.at), "error": one.error} for one in view.attempts],
        "wait": {"kind": waits.kind, "until": time(waits.due_at), "event_name": waits.event_name} if waits else None,
    }


def checkpoint(row: Any) -> Json:
    """A checkpoint as it is stored."""
    return {
        "step_name": row["step_key"],
        "scope": row["scope"],
        "operator": row["operator"],
        "outcome": row["outcome"],
        "attempt": row["attempt"],
        "seq": row["seq"],
        "started_at": time(row["started_at"]),
        "finished_at": time(row["finished_at"]),
        "result": row["result"],
        "error": row["error"],
    }


def story_entry(entry: StoryEntry) -> Json:
    """Something that happened."""
    return {
        "seq": entry.seq,
        "event_type": entry.kind,
        "timestamp": time(entry.at),
        "scope": entry.scope,
        "step_name": entry.step_key,
        "data": entry.data,
    }


def log_line(entry: StoryEntry) -> Json:
    """A line that a workflow logged."""
    return {
        "seq": entry.seq,
        "timestamp": time(entry.at),
        "level": entry.data.get("level"),
        "message": entry.data.get("message"),
        "step_name": entry.step_key,
    }


def event(view: EventView) -> Json:
    """An event of a run."""
    return {
        "seq": view.seq,
        "event_name": view.name,
        "payload": view.payload,
        "emitted_by": view.emitted_by,
        "timestamp": time(view.at),
    }


def signal(view: SignalView) -> Json:
    """A signal in a run's inbox."""
    return {
        "signal_id": view.seq,
        "signal_name": view.name,
        "payload": view.payload,
        "sent_by": view.sent_by,
        "taken_by": view.taken_by,
        "timestamp": time(view.at),
    }


def definition(view: DefinitionView) -> Json:
    """A stored definition, with the source its author wrote."""
    return {
        "definition_id": str(view.definition_id),
        "workflow_name": view.name,
        "version": view.version,
        "definition_hash": view.definition_hash,
        "definition_json": view.definition,
        "python_dsl": view.source if view.source_format == "python" else None,
        "json_dsl": view.source if view.source_format == "json" else None,
        "yaml": view.source if view.source_format == "yaml" else None,
        "created_at": time(view.created_at),
    }


def _percent(done: int, total: int) -> int:
    return 100 * done // total if total else 0


def update(one: UpdateView) -> Json:
    """A request to a run and its reply."""
    return {
        "update_id": str(one.update_id),
        "workflow_run_id": str(one.workflow_run_id),
        "update_name": one.name,
        "update_payload": one.payload,
        "status": one.state,
        "result": one.result,
        "error": one.error,
        "requested_by": one.requested_by,
        "created_at": time(one.requested_at),
        "taken_by": one.taken_by,
        "taken_at": time(one.taken_at),
        "completed_at": time(one.answered_at),
    }


def sagas(run: RunView, undo: Sequence[UndoView]) -> Json:
    """What a run has to undo, as the one saga that a run is, and the events of its undoing."""
    steps = [
        {
            "scope": one.scope,
            "step": one.step_key,
            "function": one.call.get("function"),
            "status": {"succeeded": "undone", "failed": "not_undone"}.get(one.outcome or "", "registered"),
            "registered_at": time(one.registered_at),
            "undone_at": time(one.undone_at),
            "error": one.error,
        }
        for one in undo
    ]
    saga = {
        "saga_name": run.name,
        "status": run.status,
        "started_at": time(run.started_at),
        "completed_at": time(run.finished_at),
        "compensated": run.status == "compensated",
        "steps": steps,
    }
    events = [
        {
            "event_type": "compensation_completed" if one.outcome == "succeeded" else "compensation_failed",
            "saga_name": run.name,
            "timestamp": time(one.undone_at),
            "details": {"step": one.step_key, "scope": one.scope, "error": one.error},
        }
        for one in undo
        if one.outcome is not None
    ]
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "sagas": [saga] if undo else [],
        "compensation_events": events,
        "total_sagas": int(bool(undo)),
        "compensated_sagas": int(run.status == "compensated" and bool(undo)),
    }
