"""The limits of activities, kept by the database's clock: also for workers that hang, and for activities that no worker has begun."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import ConnectionLostError, DatabaseError, EngineError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("activity")
GRACE_SECONDS = 3.0  # for the worker of an attempt, which keeps the same limits and reports once a second
_BATCH = 100
_MANY = 1000


def time_out_attempts(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Take attempts past their start-to-close or heartbeat limit from workers that did not notice. Returns how many."""
    late = _sql.time_out.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    for row in late:
        _logger.warning("an attempt of activity %s has broken its %s limit", row["task_id"], row["limit"])
    return len(late)


def expire_activities(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """End activities past their schedule-to-start or schedule-to-close limit. Returns how many."""
    _sql.settle_limits.run(connection, quantity=_MANY)
    expired = 0
    for row in _sql.overdue.many(connection, quantity=_BATCH):
        try:
            ended = _sql.expire.one(connection, tenant_id=row["tenant_id"], task_id=row["task_id"])
        except ConnectionLostError:
            raise
        except (
            EngineError,
            DatabaseError,
        ) as error:  # whatever it is, it is this activity's alone; the next round tries again
            _logger.warning("activity %s could not be ended now: %s", row["task_id"], error)
            continue
        expired += bool(ended and ended["limit"])
    return expired
