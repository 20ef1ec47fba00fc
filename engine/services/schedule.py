"""When a service is due, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection

Step = Callable[[Connection, UUID], int]


@dataclass(frozen=True, slots=True)
class Service:
    """One duty. ``step(connection, worker_id)`` does a bounded amount of work and returns how much it did."""

    name: str
    step: Step
    every_seconds: float
