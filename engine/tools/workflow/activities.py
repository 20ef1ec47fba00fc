"""Wait for or cancel an activity that the workflow has queued."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from engine.durable.tool_context import ToolContext
from engine.model.requests import AwaitBranches, CancelBranches, Request
from engine.tools.spec import ToolInput
from engine.tools.workflow.branches import Seconds


class QueuedActivity(BaseModel):
    """The result of an `activity` operator."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    activity_id: str


class ActivityInput(ToolInput):
    """An activity, by the result of the operator that queued it."""

    activity: QueuedActivity


class WaitForActivityInput(ActivityInput):
    """An activity, and how long to wait for it."""

    timeout_seconds: Seconds | None = None


def wait_for_activity(_ctx: ToolContext, given: WaitForActivityInput) -> Request:
    """Wait until an activity is over. Returns its ``{"status", "result", "error"}``; one that failed or was cancelled fails the step."""
    key = given.activity.activity_id
    return AwaitBranches(names={key: key}, timeout_seconds=given.timeout_seconds, single=True)


def cancel_activity(_ctx: ToolContext, given: ActivityInput) -> Request:
    """Cancel an activity of this run; one that is over is left alone. Returns ``{"cancelled": [activity ids]}``."""
    return CancelBranches(keys=[given.activity.activity_id])
