"""The worker's tools, for the few tools whose work is to call others."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from engine.model.json import Json, JsonObject
from engine.model.requests import Request

if TYPE_CHECKING:
    from engine.durable.tool_context import ToolContext


class Toolbox(Protocol):
    """Every tool of this worker by its name. Promise: a tool that is called here gets its arguments and gives its result as a step's call does."""

    def names(self) -> Collection[str]:
        """Those that can be called from inside a step."""

    def summary(self, tool: str) -> str:
        """What it does, in a sentence."""

    def parameters(self, tool: str) -> JsonObject:
        """Its arguments, as a JSON Schema."""

    def is_transactional(self, tool: str) -> bool:
        """Whether it wants a transaction of the database."""

    def call(self, tool: str, kwargs: JsonObject, ctx: ToolContext) -> Json | Request:
        """Call it. Raises a `ToolError`, and whatever else a tool may raise."""
