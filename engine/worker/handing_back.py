"""Tasks that this worker cannot go on with, and others may: they are given back as they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

from engine.orchestrator.entry import UNKNOWN_TOOL_SECONDS
from engine.orchestrator.session import Session
from engine.worker.calls import Calls

_logger = logging.getLogger(__name__)


def without_tool(session: Session, calls: Calls, tool: str, worker: str) -> None:
    """This worker lacks a tool: the task is put back with a delay and an alert, never failed."""
    _logger.warning("run %s needs the tool %s, which this worker does not have", session.task.workflow_run_id, tool)
    calls.stop_task(session.task.task_id)
    session.journal("deferred", "", {"tool": tool, "worker": worker})
    session.hand_back(UNKNOWN_TOOL_SECONDS)


def without_slots(sessions: Mapping[UUID, Session], calls: Calls) -> set[UUID]:
    """Tasks that wait in vain behind calls that last are claimable at once, at their old places in line; nothing of them has begun here. Returns them."""
    given = {task for task in calls.without_slots() if task in sessions and not sessions[task].writes.exit}
    for task_id in given:
        calls.stop_task(task_id)
        sessions[task_id].hand_back(0.0)
    return given
