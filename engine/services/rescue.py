"""Tasks of dead workers go to living ones."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach

_logger = logging.getLogger(__name__)
_sql = load("worker")
_BATCH = 500


def rescue(connection: Connection, worker_id: UUID) -> int:
    """Declare workers dead whose connection or lease is gone, and make their tasks claimable, with a new epoch. Returns how many tasks."""
    reach(FaultPoint.REAPER_SELECT)
    for dead in _sql.bury_dead.many(connection, worker_id=worker_id):
        _logger.warning("worker %s is gone", dead["name"])
        reach(FaultPoint.REAPER_UPDATE)
    rescued = _sql.rescue.many(connection, quantity=_BATCH)
    if rescued:
        reach(FaultPoint.REAPER_AFTER)
    return len(rescued)
