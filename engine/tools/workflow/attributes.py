"""Search attributes of the run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.requests import MergeAttributes, Request
from engine.tools.spec import ToolInput

AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00#][^\x00]*$")]
Scalar = StrictStr | StrictBool | StrictInt | StrictFloat


class SetAttributesInput(ToolInput):
    """Names with a value, several values, or null, which takes the name away."""

    attributes: Annotated[dict[AttributeName, Scalar | list[Scalar] | None], Field(min_length=1, max_length=64)]


def set_attributes(_ctx: ToolContext, given: SetAttributesInput) -> Request:
    """Set search attributes of this run, by which it can be found; others are left as they are. Returns what was set."""
    return MergeAttributes(given.model_dump(mode="json")["attributes"])
