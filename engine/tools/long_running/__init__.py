"""`tools.long_running.*`: work that only takes time, for trying out timeouts, cancels, heartbeats and rescues."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolCancelled, ToolTimeout
from engine.tools.long_running.heartbeat import HeartbeatInput, execute_with_heartbeat
from engine.tools.spec import ToolInput, ToolSpec


class LongRunningInput(ToolInput):
    """For how long it works."""

    duration_seconds: Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)]


def execute_no_manual_heartbeat(ctx: ToolContext, given: LongRunningInput) -> Json:
    """Work for a while in a worker's slot; ends at once on cancel and at its timeout. Returns ``{"duration_seconds"}``."""
    seconds = ctx.bounded(given.duration_seconds)
    if ctx.cancelled.wait(seconds):
        raise ToolCancelled
    if seconds is not None and seconds < given.duration_seconds:
        raise ToolTimeout(f"was not done after {ctx.timeout_seconds} seconds")
    return {"duration_seconds": given.duration_seconds}


TOOLS = (
    ToolSpec(
        "tools.long_running.execute_no_manual_heartbeat",
        execute_no_manual_heartbeat,
        LongRunningInput,
        side_effect="pure",
    ),
    ToolSpec(
        "tools.long_running.execute_with_heartbeat",
        execute_with_heartbeat,
        HeartbeatInput,
        side_effect="pure",
        beats_itself=True,
    ),
)
