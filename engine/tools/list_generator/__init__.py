"""`tools.list_generator.generate_items`: a list to loop over."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.spec import ToolInput, ToolSpec


class GenerateInput(ToolInput):
    """How many items, and what their names begin with."""

    count: Annotated[int, Field(ge=0, le=10_000)]
    prefix: Annotated[str, StringConstraints(max_length=64)] = "item"


def generate_items(_ctx: ToolContext, given: GenerateInput) -> Json:
    """Make ``count`` texts ``<prefix>_1``, ``<prefix>_2``, ...; the step's result is the list itself."""
    return [f"{given.prefix}_{number}" for number in range(1, given.count + 1)]


TOOLS = (
    ToolSpec("tools.list_generator.generate_items", generate_items, GenerateInput, side_effect="pure", inline=True),
)
