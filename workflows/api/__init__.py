"""Routes of workflows. Each module adds its own to the one router."""

from . import (
    activities,
    activity_logs,
    bulk,
    control,
    definitions,
    flow,
    graph,
    guards,
    keeping,
    letters,
    messages,
    runs,
    schedule_actions,
    schedules,
    steps,
    submit,
    updates,
)
from .router import router

__all__ = [
    "activities",
    "activity_logs",
    "bulk",
    "control",
    "definitions",
    "flow",
    "graph",
    "guards",
    "keeping",
    "letters",
    "messages",
    "router",
    "runs",
    "schedule_actions",
    "schedules",
    "steps",
    "submit",
    "updates",
]
