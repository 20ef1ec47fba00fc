"""Runs that ask people, for the pages of approvals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import facade
from engine.model.approvals import ApprovalView
from engine.queue.commit import commit
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.integration.ui.seed import Seeder
from tests.support.approving import question
from tests.support.runs import WORKER, take

TWO_STAGES = [{"approvers": [], "quorum": 2}, {"approvers": ["role:tenant_admin"], "quorum": 1}]


def asks_people(seed: Seeder, dsn: str, message: str = "Deploy release 7.4?", **asked: Any) -> ApprovalView:
    """The question of a run that sleeps on it at its step ``notify_customer``."""
    run_id = seed.run("pending")
    (task,) = [task for task in take(dsn, quantity=100) if task.task_id == run_id]
    request = question(message=message, **{"data": {"release": "7.4", "risk": "high"}} | asked)
    waits = [WaitWrite("notify_customer", "approval", request=request)]
    commit(seed.connection, [TaskWrites(task, waits=waits, exit=Suspended())], WORKER)
    (found,) = facade.approvals_of_run(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=run_id)
    return found


def says(seed: Seeder, approval_id: UUID, vote: Any, by: str, comment: str = "") -> str:
    """Somebody else speaks."""
    return facade.decide(
        seed.connection, tenant_id=seed.tenant_id, approval_id=approval_id, vote=vote, by=by, comment=comment
    )
