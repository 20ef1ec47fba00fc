"""Routes of workflows. Each module adds its own to the one router."""

from . import definitions, graph, messages, runs, schedule_actions, schedules, steps, submit, updates
from .router import router

__all__ = [
    "definitions",
    "graph",
    "messages",
    "router",
    "runs",
    "schedule_actions",
    "schedules",
    "steps",
    "submit",
    "updates",
]
