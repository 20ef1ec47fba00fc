"""Take what was sent to the run, in order."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.durable.tool_context import ToolContext
from engine.model.requests import Request, TakeMessage
from engine.tools.spec import ToolInput

MessageName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]


class ReceiveInput(ToolInput):
    """The name of the signal, and how long to wait for one."""

    name: MessageName
    timeout_seconds: Seconds | None = None


def receive_signal(_ctx: ToolContext, given: ReceiveInput) -> Request:
    """Take the next signal of a name from the run's inbox, or wait for one. Each is taken once, in the order in which they were sent.

    Returns ``{"name", "payload", "seq", "sent_by", "at"}``; fails with the kind event_timeout when none comes in time.
    """
    return TakeMessage("signal", given.name, given.timeout_seconds)
