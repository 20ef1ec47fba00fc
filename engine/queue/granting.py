"""Slots that came free go to whoever is first in line."""

from __future__ import annotations

import logging

from engine.db.connection import Connection
from engine.db.errors import BusyError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("task")
BATCH = 100  # keys of limits that are served at a time


def grant_slots(connection: Connection, *, quantity: int = BATCH) -> int:
    """Give slots that came free to whoever is first in line. Returns how many were given."""
    row = _sql.grant_slots.one(connection, quantity=quantity)
    return int(row["granted"]) if row else 0


def granted(connection: Connection) -> bool:
    """Whether slots were given. When somebody holds a place in the line for too long none is, and whoever looks next tries again: the marks of what
    came free stand as they stood, and what a worker has claimed meanwhile is not to be given up for that.
    """
    try:
        return grant_slots(connection) > 0
    except BusyError as error:
        _logger.info("slots could not be given now: %s", error)
        return False
