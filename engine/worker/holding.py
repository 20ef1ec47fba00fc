"""What a worker holds, compared with what the database says is its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from engine.db.connection import Connection
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
    """Tell sessions of waits that ended while they were busy with something else: the tasks that can go on."""
    # What a session has not written yet the rows cannot tell: they may still show the wait before.
    waiting = [session.task for session in sessions.values() if session.waits and not session.writes.waits]
    heard: set[UUID] = set()
    for task_id, loaded in (load_waits(connection, waiting) if waiting else {}).items():
        for over in loaded.over:
            sessions[task_id].settle(over)
            heard.add(task_id)
    return heard
