"""Routes of workflows. Each module adds its own to the one router."""

from . import definitions, graph, guards, keeping, letters, messages, runs, steps, submit, updates
from .router import router

__all__ = [
    "definitions",
    "graph",
    "guards",
    "keeping",
    "letters",
    "messages",
    "router",
    "runs",
    "steps",
    "submit",
    "updates",
]
