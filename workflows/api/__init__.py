"""Routes of workflows. Each module adds its own to the one router."""

from . import definitions, messages, runs, steps, submit
from .router import router

__all__ = ["definitions", "messages", "router", "runs", "steps", "submit"]
