"""Tools that only the tests' workers have."""

from __future__ import annotations

from typing import Any

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.shell.run import ShellInput, run
from engine.tools.spec import ToolSpec


def beat_then_run(ctx: ToolContext, given: ShellInput) -> Json:
    """One heartbeat, then a command that says nothing of itself."""
    ctx.heartbeat({"about_to": given.command, "last_time": ctx.last_details})
    return run(ctx, given)


TOOLS: dict[str, ToolSpec[Any]] = {
    "tests.beat_then_run": ToolSpec(
        "tests.beat_then_run", beat_then_run, ShellInput, side_effect="effectful", beats_itself=True
    )
}
