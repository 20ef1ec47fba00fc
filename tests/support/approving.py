"""Questions that people decide, asked by hand: for tests that drive the queue without a worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.model.approvals import ApprovalView, Vote
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.runs import start, take, write


def question(*, approvers: Sequence[str] = (), quorum: int = 1, **more: Any) -> JsonObject:
    """The request of a wait for people, as the core writes it."""
    asked: JsonObject = {
        "kind": "approval",
        "message": "Deploy?",
        "stages": [{"approvers": list(approvers), "quorum": quorum}],
        "timeout_seconds": 3600.0,
        "on_expiry": "fail",
        "allow_self": False,
        "key": None,
        "data": None,
    }
    return asked | more


def asking(task: ClaimedTask, asked: JsonObject | None = None) -> TaskWrites:
    """A claimed task that asks and goes to sleep."""
    waits = [WaitWrite("ask", "approval", request=asked or question())]
    return TaskWrites(task, waits=waits, exit=Suspended())


def asked(database: Database, tenant: UUID, request: JsonObject | None = None, **how: Any) -> ApprovalView:
    """A run that has asked and sleeps: its question."""
    with connect(database.worker) as connection:
        run = start(connection, tenant, **how)
        (task,) = take(database.worker)
        write(database.worker, asking(task, request))
        (found,) = facade.approvals_of_run(connection, tenant_id=tenant, workflow_run_id=run)
    return found


def decide(
    connection: psycopg.Connection[Any], tenant: UUID, approval: ApprovalView, vote: Vote, by: str, *names: str
) -> str:
    """One person speaks."""
    return facade.decide(connection, tenant_id=tenant, approval_id=approval.approval_id, vote=vote, by=by, names=names)


def again(connection: psycopg.Connection[Any], tenant: UUID, approval: ApprovalView) -> ApprovalView:
    """The question as it is now."""
    return facade.get_approval(connection, tenant_id=tenant, name=str(approval.approval_id))
