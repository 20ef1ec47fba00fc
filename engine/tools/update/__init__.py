"""`tools.update.*`: requests to a run that get a reply: take one with `handle`, answer it with `reply`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.model.requests import ReplyTo, Request, TakeMessage
from engine.tools.spec import ToolInput, ToolSpec

UpdateName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]


class HandleInput(ToolInput):
    """The name of the update, and how long to wait for one."""

    name: UpdateName
    timeout_seconds: Seconds | None = None


class ReplyInput(ToolInput):
    """Which update is answered, and with what: a result, or an error."""

    update_id: UUID
    result: JsonValue = None
    error: str | None = None


def handle(_ctx: ToolContext, given: HandleInput) -> Request:
    """Take the next update of a name, or wait for one. Whoever sent it waits for its `tools.update.reply`.

    Returns ``{"update_id", "name", "payload", "seq", "sent_by", "at"}``; fails with the kind event_timeout when none comes in time.
    """
    return TakeMessage("update", given.name, given.timeout_seconds)


def reply(_ctx: ToolContext, given: ReplyInput) -> Request:
    """Answer an update that this run has taken. The first answer counts. Returns ``{"update_id"}``."""
    return ReplyTo(str(given.update_id), given.result, given.error)


TOOLS = (
    ToolSpec("tools.update.handle", handle, HandleInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.update.reply", reply, ReplyInput, side_effect="idempotent", inline=True),
)
