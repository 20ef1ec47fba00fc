"""`tools.lock.*`: locks by name, one holder in the tenant at a time, in the order of asking. The engine keeps the queue; these tools only ask."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.requests import ReleaseLock, Request, TakeLock
from engine.tools.spec import ToolInput, ToolSpec

LockName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class AcquireInput(ToolInput):
    """A lock, and how long to wait for it; without a limit as long as the run may."""

    name: LockName
    timeout_seconds: Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)] | None = None


class ReleaseInput(ToolInput):
    """A lock."""

    name: LockName


def acquire(_ctx: ToolContext, given: AcquireInput) -> Request:
    """Take a lock, waiting in line while others hold it. Returns ``{"name", "fencing"}``.

    ``fencing`` grows with each holder: give it to what the lock protects, so that it can refuse a holder whose time is over. Who holds a lock and
    asks again gets it at once. It is let go by `tools.lock.release` and by the end of the run (in a branch: of the branch). A time limit that
    passes fails the step.
    """
    return TakeLock(given.name, given.timeout_seconds)


def release(_ctx: ToolContext, given: ReleaseInput) -> Request:
    """Let go of a lock, so that the next in line gets it; does nothing to a lock of others. Returns ``{"name"}``."""
    return ReleaseLock(given.name)


TOOLS = (
    ToolSpec("tools.lock.acquire", acquire, AcquireInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.lock.release", release, ReleaseInput, side_effect="idempotent", inline=True),
)
