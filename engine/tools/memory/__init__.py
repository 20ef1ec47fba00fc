"""`tools.memory.*`: variables of the run's scope. They are stored with the step's checkpoint, so each change happens exactly once."""

from __future__ import annotations

from typing import Annotated

from pydantic import JsonValue, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput, ToolSpec

# What a template can name: no dunder names, for templates refuse them too.
VariableName = Annotated[str, StringConstraints(pattern=r"^_?[A-Za-z][A-Za-z0-9_]*$", max_length=128)]


class SetInput(ToolInput):
    """A variable and its new value."""

    name: VariableName
    value: JsonValue


class GetInput(ToolInput):
    """A variable, and what to answer when it is unset."""

    name: VariableName
    default: JsonValue = None


class AppendInput(ToolInput):
    """Text to add to the end of a text variable, after a separator unless the variable is still empty."""

    name: VariableName
    text: str
    separator: str = ""


class DeleteInput(ToolInput):
    """A variable to forget."""

    name: VariableName


def set_variable(ctx: ToolContext, given: SetInput) -> Json:
    """Set a variable of this scope; returns the value."""
    ctx.set_variable(given.name, given.value)
    return given.value


def get_variable(ctx: ToolContext, given: GetInput) -> Json:
    """Read a variable of this scope; returns its value or the default."""
    return ctx.get_variable(given.name, given.default)


def append_text(ctx: ToolContext, given: AppendInput) -> Json:
    """Add text to a variable of this scope; returns the whole new text."""
    before = ctx.get_variable(given.name, "")
    if not isinstance(before, str):
        kind = type(before).__name__
        raise ToolError(f"variable {given.name} holds a {kind}, not text", type="NotText", retryable=False)
    after = f"{before}{given.separator}{given.text}" if before else given.text
    ctx.set_variable(given.name, after)
    return after


def delete_variable(ctx: ToolContext, given: DeleteInput) -> Json:
    """Forget a variable of this scope: it reads as null from here on; returns whether it was set."""
    was_set = ctx.get_variable(given.name) is not None
    ctx.set_variable(given.name, None)
    return was_set


TOOLS = (
    ToolSpec("tools.memory.set", set_variable, SetInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.memory.get", get_variable, GetInput, side_effect="pure", inline=True),
    ToolSpec("tools.memory.append", append_text, AppendInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.memory.delete", delete_variable, DeleteInput, side_effect="idempotent", inline=True),
)
