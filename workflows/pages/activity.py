"""The activity that a step belongs to, for the panel beside the page of its run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import facade
from engine.facade import ActivityFilter
from engine.model.activity_views import ActivityView
from engine.model.views import StepView
from highway_platform.kit.permissions import Grant

MAX_OF_A_RUN = 1_000


def activity_of_step(connection: Any, grant: Grant, run_id: UUID, step: StepView | None) -> ActivityView | None:
    """The activity whose work the step is, or which the step has queued; None for every other step."""
    key = _key_of(step) if step else ""
    if not key:
        return None
    found = facade.list_activities(
        connection,
        tenant_id=grant.tenant_id,
        chosen=ActivityFilter(workflow_run_id=run_id),
        quantity=MAX_OF_A_RUN,
    )
    return next((activity for activity in found if activity.key == key), None)


def _key_of(step: StepView) -> str:
    queued = step.result.get("activity_id") if isinstance(step.result, dict) else None
    return queued if isinstance(queued, str) else step.scope
