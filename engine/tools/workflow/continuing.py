"""Go on as a new run: loops that live for months without a history that grows."""

from __future__ import annotations

from pydantic import Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.model.requests import ContinueAsNew, Request
from engine.tools.spec import ToolInput


class ContinueInput(ToolInput):
    """The inputs of the run that follows."""

    inputs: dict[str, JsonValue] = Field(default_factory=dict)


def continue_as_new(_ctx: ToolContext, given: ContinueInput) -> Request:
    """End this run as completed and start the same workflow again with these inputs; whoever waits for it gets the last run's result."""
    inputs: dict[str, Json] = dict(given.inputs)
    return ContinueAsNew(inputs)
