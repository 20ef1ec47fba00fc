"""Work that only takes time and says how far it is: for trying out heartbeats, retries and takeovers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolCancelled, ToolError, ToolTimeout
from engine.tools.spec import ToolInput

Seconds = Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)]


class HeartbeatInput(ToolInput):
    """How long it works, how often it says so, and, to try retries, after how many seconds of work this attempt fails or falls silent."""

    duration_seconds: Seconds
    interval_seconds: Annotated[float, Field(ge=0.05, le=3600, allow_inf_nan=False)] = 1.0
    fail_after_seconds: Seconds | None = None
    silent_after_seconds: Seconds | None = None


def execute_with_heartbeat(ctx: ToolContext, given: HeartbeatInput) -> Json:
    """Work for a while and send a heartbeat after each interval, with what is done as its details; a further attempt goes on from there.

    Returns ``{"duration_seconds", "resumed_at_seconds", "attempt"}``. ``fail_after_seconds`` fails each attempt after so much work,
    ``silent_after_seconds`` lets the first attempt go on without heartbeats. Use it as an activity; as a task nobody hears it.
    """
    resumed_at = done = _done_before(ctx.last_details)
    worked = 0.0
    while done < given.duration_seconds:
        if given.fail_after_seconds is not None and worked >= given.fail_after_seconds:
            raise ToolError(f"failed on purpose after {worked:g} seconds", type="OnPurpose")
        pause = min(given.interval_seconds, given.duration_seconds - done)
        if ctx.cancelled.wait(ctx.bounded(pause)):
            raise ToolCancelled
        if ctx.remaining_seconds() == 0.0:
            raise ToolTimeout(f"was not done after {ctx.timeout_seconds} seconds")
        done, worked = done + pause, worked + pause
        is_silent = given.silent_after_seconds is not None and ctx.attempt == 1 and worked > given.silent_after_seconds
        if not is_silent and not ctx.heartbeat({"done_seconds": done}):
            raise ToolCancelled
    return {"duration_seconds": given.duration_seconds, "resumed_at_seconds": resumed_at, "attempt": ctx.attempt}


def _done_before(details: Json) -> float:
    done = details.get("done_seconds") if isinstance(details, dict) else None
    return float(done) if isinstance(done, (int, float)) else 0.0
