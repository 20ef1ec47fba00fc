"""The no-stuck invariant, asked all the time: open tasks that nothing will ever move are an error of ours and are said aloud."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("doctor")
EVERY_SECONDS = 30.0
GRACE_SECONDS = 30.0  # what a restart of the workers may take
_BATCH = 50


def look_for_stuck_tasks(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Count stuck tasks for the health page and name them in the log. One worker does it for all; returns how many it found."""
    if _sql.take_turn.one(connection, every_seconds=EVERY_SECONDS) is None:
        return 0
    found = _sql.stuck.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    for task in found:
        _logger.error("task %s of run %s is stuck: %s", task["task_id"], task["workflow_run_id"], task["problem"])
    held_up = _sql.flow_problems.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    for problem in held_up:
        _logger.error("flow control, run %s: %s", problem["workflow_run_id"], problem["problem"])
    for schedule in _sql.schedules.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH):
        _logger.error("schedule %s does not go on: %s", schedule["schedule_id"], schedule["problem"])
    _sql.write_down.run(connection, quantity=len(found) + len(held_up))
    return len(found) + len(held_up)
