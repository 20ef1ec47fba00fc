"""What a step keeps with its wait when a person is asked, or was: how many attempts do not count any more, and what was edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from engine.model.errors import StepError
from engine.model.json import Json, JsonObject


def kept(spent: int, edited: JsonObject) -> JsonObject:
    """What comes back on re-entry; nothing for a step that no person has touched."""
    return {"spent": spent, "edited": edited} if spent else {}


def restored(request: Mapping[str, Json]) -> tuple[int, JsonObject]:
    """The reverse of `kept`."""
    return cast(int, request.get("spent", 0)), dict(cast(JsonObject, request.get("edited") or {}))


def question(tool: str, given: Json, error: StepError, before: JsonObject) -> JsonObject:
    """What a person is shown: the tool, what it was given, what it failed with."""
    return {"kind": "exhausted", "tool": tool, "input": given, "error": error.to_json(), **before}
