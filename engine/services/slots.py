"""Slots that came free are given, also while no worker looks for work: all may be full, paused or draining, and have steps in line."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.queue.granting import grant_slots


def give_free_slots(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Give them to whoever is first in line. Returns how many were given."""
    return grant_slots(connection)
