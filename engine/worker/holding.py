"""What a worker holds, compared with what the database says is its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import DatabaseError
from engine.model.task import ClaimedTask, Loaded
from engine.orchestrator.entry import broken
from engine.orchestrator.session import Session
from engine.queue.holdings import Holding, holdings, let_go
from engine.queue.loading import load_waits

_logger = logging.getLogger(__name__)


class Held(NamedTuple):
    """A session, and its task's row; None when the row is not this worker's any more, or in another claim."""

    session: Session
    holding: Holding | None


def look_up(connection: Connection, worker_id: UUID, sessions: Mapping[UUID, Session]) -> list[Held]:
    """The sessions with their rows.

    Claims that no session stands for, however that came about, are let go: their worker is alive, so that nobody else would ever rescue them.
    """
    found = {holding.task_id: holding for holding in holdings(connection, worker_id)}
    if lost := [holding for task_id, holding in found.items() if task_id not in sessions]:
        _logger.error("letting go of %d claims that nobody works on", let_go(connection, lost))
    return [Held(session, _same_claim(session, found.get(task_id))) for task_id, session in sessions.items()]


def _same_claim(session: Session, holding: Holding | None) -> Holding | None:
    return holding if holding and holding.epoch == session.task.epoch else None


def hear_waits(connection: Connection, sessions: Mapping[UUID, Session]) -> set[UUID]:
    """Tell sessions of waits that ended while they were busy with something else: the tasks that can go on, or that end as it cannot be told."""
    # What a session has not written yet the rows cannot tell: they may still show the wait before.
    waiting = [session.task for session in sessions.values() if session.waits and not session.writes.waits]
    found, unread = _read_waits(connection, waiting)
    for task_id, error in unread.items():
        _logger.error("what task %s waited for cannot be read", task_id, exc_info=error)
        reason = f"what it waited for cannot be read: {type(error).__name__}: {error}"
        sessions[task_id].stop(broken(reason, type(error).__name__))
    heard = set(unread)
    for task_id, loaded in found.items():
        for over in loaded.over:
            sessions[task_id].settle(over)
            heard.add(task_id)
    return heard


def _read_waits(
    connection: Connection, tasks: Sequence[ClaimedTask]
) -> tuple[dict[UUID, Loaded], dict[UUID, DatabaseError]]:
    """What has come for the tasks; apart, those for which the database refuses to tell."""
    if not tasks:
        return {}, {}
    try:
        return load_waits(connection, tasks), {}
    except DatabaseError as error:
        if len(tasks) == 1:
            return {}, {tasks[0].task_id: error}
    found: dict[UUID, Loaded] = {}
    unread: dict[UUID, DatabaseError] = {}
    for task in tasks:
        told, untold = _read_waits(connection, [task])
        found |= told
        unread |= untold
    return found, unread
