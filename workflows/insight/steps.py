"""One step of a run by the names that people use for it, and what it printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.views import StepView

from ..presenters import time
from .presenters import log_status

Json = dict[str, Any]


def choose_step(steps: list[StepView], name: str, scope: str | None = None) -> StepView | None:
    """By its exact key, else the last execution of the task of that name; the run itself before its branches."""
    inside = [step for step in steps if scope in (None, step.scope)]
    exact = [step for step in inside if step.key == name]
    by_task = [step for step in reversed(inside) if step.task_id == name]
    return min(exact, key=lambda step: step.scope, default=None) or next(iter(by_task), None)


def function_of(definition: Any, task_id: str) -> str | None:
    """The function that a task calls, wherever in the definition it stands; None for what calls none."""
    if isinstance(definition, Mapping):
        if definition.get("task_id") == task_id and isinstance(definition.get("function"), str):
            return str(definition["function"])
        parts = list(definition.values())
    elif isinstance(definition, list):
        parts = definition
    else:
        return None
    return next((found for part in parts if (found := function_of(part, task_id)) is not None), None)


def step_log(step: StepView, function: str | None) -> Json:
    """A step as logs tell it, with what a program printed."""
    result = step.result if isinstance(step.result, Mapping) else {}
    return {
        "task_id": step.task_id,
        "task_name": step.key,
        "scope": step.scope,
        "task_function": function,
        "status": log_status(step.status),
        "started_at": time(step.started_at),
        "completed_at": time(step.finished_at),
        "logged_at": time(step.finished_at),
        "duration_ms": None if step.duration_ms is None else round(step.duration_ms),
        "worker_id": step.worker,
        "retry_count": max(step.attempt - 1, 0),
        "error_message": (step.error or {}).get("message"),
        "output_stdout": result.get("stdout"),
        "output_stderr": result.get("stderr"),
        "output_return_code": result.get("returncode"),
    }
