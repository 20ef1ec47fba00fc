"""Waiting for the containers of a stack to be up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from engine.durable.tool_context import ToolContext
from engine.tools.docker.engine import PREFIX
from engine.tools.errors import ToolCancelled, ToolError, ToolTimeout
from engine.tools.results import storable_text

_LOOK_SECONDS = 0.2
_SAID_BYTES = 2_000


def wait_until_up(ctx: ToolContext, containers: Sequence[Any], seconds: float) -> None:
    """Come back when each container is healthy, or runs where it has no health check, or has done its work.

    Raises `ToolError` when one failed, `ToolTimeout` when it takes longer.
    """
    until = time.monotonic() + seconds
    waiting = list(containers)
    while True:
        # Before the first look, too: what fails as it starts is seen running for a moment.
        if ctx.cancelled.wait(_LOOK_SECONDS):
            raise ToolCancelled
        waiting = [container for container in waiting if not _is_up(container)]
        if not waiting:
            return
        if time.monotonic() >= until:
            names = ", ".join(sorted(_service(container) for container in waiting))
            raise ToolTimeout(f"after {seconds:g} seconds these are not up: {names}")


def _is_up(container: Any) -> bool:
    container.reload()
    state = container.attrs["State"]
    health = state.get("Health", {}).get("Status", "healthy")
    if state["Status"] == "exited" and state["ExitCode"] == 0:
        return True
    if state["Status"] in ("exited", "dead") or health == "unhealthy":
        said = storable_text(container.logs(tail=10).decode(errors="replace").strip(), _SAID_BYTES)
        what = "is unhealthy" if health == "unhealthy" else f"ended with exit code {state['ExitCode']}"
        raise ToolError(f"service {_service(container)} {what}: {said}", type="ServiceFailed")
    return bool(state["Status"] == "running" and health == "healthy")


def _service(container: Any) -> str:
    return str(container.labels[f"{PREFIX}.service"])
