"""Steps of a run and their checkpoints."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors
from ..insight import selectors as insight
from ..insight.steps import choose_step
from ..schemas import StoryQuery
from .router import router

TAGS = ["steps"]


@router.get("/workflows/{uuid:workflow_run_id}/steps", url_name="step-list", tags=TAGS)
@requires("workflows.run:read")
def list_steps(request: Request, workflow_run_id: uuid.UUID, status: str | None = None) -> dict[str, Any]:
    """Every execution of a step: finished ones first, in the order in which they ended."""
    run, steps = selectors.step_list(request.grant, workflow_run_id)
    counts = Counter(step.status for step in steps)
    return success(
        {
            "workflow_run_id": str(workflow_run_id),
            "workflow_name": run.name,
            "steps": [presenters.step(step) for step in steps if status in (None, step.status)],
            "total_steps": len(steps),
            "succeeded": counts["succeeded"],
            "failed": counts["failed"] + counts["timedout"],
            "sleeping": counts["sleeping"],
        }
    )


@router.get("/workflows/{uuid:workflow_run_id}/checkpoints", url_name="checkpoint-list", tags=TAGS)
@requires("workflows.run:read")
def list_checkpoints(request: Request, workflow_run_id: uuid.UUID, query: Query[StoryQuery]) -> dict[str, Any]:
    """Everything that will never be done again, in the order in which it was written."""
    return success(_checkpoints(request, workflow_run_id, None, query))


@router.get("/runs/{uuid:workflow_run_id}/checkpoints", url_name="run-checkpoint-list", tags=TAGS)
@requires("workflows.run:read")
def list_checkpoints_by_other_name(
    request: Request, workflow_run_id: uuid.UUID, query: Query[StoryQuery]
) -> dict[str, Any]:
    """The same under the name that some clients use."""
    return list_checkpoints(request, workflow_run_id, query)


@router.get(
    "/workflows/{uuid:workflow_run_id}/steps/{path:step_name}/checkpoints", url_name="step-checkpoint-list", tags=TAGS
)
@requires("workflows.run:read")
def list_step_checkpoints(
    request: Request, workflow_run_id: uuid.UUID, step_name: str, query: Query[StoryQuery]
) -> dict[str, Any]:
    """The checkpoints of one step, in the run itself and in its branches."""
    return success(_checkpoints(request, workflow_run_id, step_name, query))


@router.get("/workflows/{uuid:workflow_run_id}/steps/{path:step_name}", url_name="step-detail", tags=TAGS)
@requires("workflows.run:read")
def show_step(request: Request, workflow_run_id: uuid.UUID, step_name: str, scope: str | None = None) -> dict[str, Any]:
    """One step with its input, result, failed attempts and what it waits for. ``scope`` chooses the branch."""
    _, steps = selectors.step_list(request.grant, workflow_run_id)
    found = choose_step(steps, step_name, scope)
    if found is None:
        raise not_found()
    story = insight.step_story(request.grant, workflow_run_id, found)
    return success({**presenters.step_detail(found), "events": [presenters.story_entry(entry) for entry in story]})


def _checkpoints(request: Request, run_id: uuid.UUID, step: str | None, query: StoryQuery) -> dict[str, Any]:
    rows = selectors.checkpoint_list(request.grant, run_id, step, after=query.after, quantity=query.limit)
    checkpoints = [presenters.checkpoint(row) for row in rows]
    return {"workflow_run_id": str(run_id), "checkpoints": checkpoints, "count": len(checkpoints)}
