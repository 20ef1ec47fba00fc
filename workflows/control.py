"""Control of runs: each takes a grant and an open transaction, and leaves the commit to the edge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine import facade
from engine.facade import BulkStep
from engine.facade.bulk import BulkAction
from engine.model.views import RunFilter, Submitted
from highway_platform.kit.permissions import Grant

from .services import CANCEL, SUBMIT

PAUSE = "workflows.run:pause"
KILL = "workflows.run:kill"
CHANGE = "workflows.run:change"
PURGE = "workflows.run:purge"

# What a bulk action asks for besides the right to change many runs at once.
NEEDED: Mapping[str, str] = {"cancel": CANCEL, "pause": PAUSE, "resume": PAUSE, "retry": SUBMIT, "purge": PURGE}


def run_pause(grant: Grant, connection: Any, run_id: uuid.UUID, reason: str = "") -> str:
    """Pause a run at its next step boundary; gives its status now."""
    grant.require(PAUSE)
    return facade.pause(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, by=grant.who, reason=reason)


def run_resume(
    grant: Grant, connection: Any, run_id: uuid.UUID, step_inputs: Mapping[str, dict[str, Any]] | None = None
) -> str:
    """Let a paused run go on, steps that wait for a person with other arguments if they are given; gives its status now."""
    grant.require(PAUSE)
    return facade.resume(
        connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, by=grant.who, step_inputs=step_inputs
    )


def step_give_up(grant: Grant, connection: Any, run_id: uuid.UUID, step: str) -> str:
    """Fail a step that waits for a person; gives the run's status now."""
    grant.require(PAUSE)
    return facade.give_up(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, step=step, by=grant.who)


def run_kill(grant: Grant, connection: Any, run_id: uuid.UUID, reason: str = "") -> str:
    """End a run at once, whatever it is doing."""
    grant.require(KILL)
    words = reason or f"killed by {grant.who}"
    return facade.kill(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, by=grant.who, reason=words)


def run_restart(grant: Grant, connection: Any, run_id: uuid.UUID, reason: str = "") -> str:
    """Let a run that failed or was stopped go on in place, from its failed step."""
    grant.require(SUBMIT)
    return facade.restart(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, by=grant.who, reason=reason)


def run_fork(
    grant: Grant, connection: Any, run_id: uuid.UUID, from_step: str, inputs: dict[str, Any] | None = None
) -> Submitted:
    """Start a run that has done what this one had done before a step, with other inputs if they are given."""
    grant.require(SUBMIT)
    return facade.fork(
        connection,
        tenant_id=grant.tenant_id,
        workflow_run_id=run_id,
        from_step=from_step,
        inputs=inputs,
        by=grant.who,
    )


def start_change(
    grant: Grant, connection: Any, run_id: uuid.UUID, *, at: datetime | None, delay_seconds: float | None
) -> str:
    """Move the start of a run that has not started; gives its status now."""
    grant.require(CHANGE)
    return facade.change_start(
        connection,
        tenant_id=grant.tenant_id,
        workflow_run_id=run_id,
        at=at,
        delay_seconds=delay_seconds,
        by=grant.who,
    )


def priority_set(grant: Grant, connection: Any, run_id: uuid.UUID, priority: int) -> None:
    """Change the priority of an open run."""
    grant.require(CHANGE)
    facade.set_priority(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, priority=priority, by=grant.who)


def bulk_count(grant: Grant, connection: Any, action: BulkAction, chosen: RunFilter) -> int:
    """How many runs an action would be done to."""
    grant.require(NEEDED[action])
    return facade.bulk_count(connection, tenant_id=grant.tenant_id, action=action, chosen=chosen)


def bulk_step(
    grant: Grant, connection: Any, action: BulkAction, chosen: RunFilter, *, before: uuid.UUID | None, quantity: int
) -> BulkStep:
    """Do an action to the next runs that a filter finds."""
    grant.require(NEEDED[action])
    return facade.bulk_step(
        connection,
        tenant_id=grant.tenant_id,
        action=action,
        chosen=chosen,
        by=grant.who,
        before=before,
        quantity=quantity,
    )
