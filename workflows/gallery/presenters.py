"""Templates in the form of the API."""

from __future__ import annotations

from engine import facade
from engine.model.json import Json, JsonObject

from .catalog import Template


def summary(template: Template) -> JsonObject:
    """What a list shows of a template. ``sends`` is what its run waits for from outside, ``needs`` what must be lent to it."""
    tags: list[Json] = [*template.tags]
    operators: list[Json] = [*template.operators]
    tools: list[Json] = [*template.tools]
    sends: list[Json] = [{"kind": one.kind, "name": one.name, "payload": one.payload} for one in template.sends]
    return {
        "name": template.name,
        "title": template.title,
        "description": template.about,
        "tags": tags,
        "operators": operators,
        "tools": tools,
        "needs": template.needs,
        "inputs": template.inputs,
        "sends": sends,
    }


def whole(template: Template) -> JsonObject:
    """A template with its source and what it compiles to."""
    return {
        **summary(template),
        "language": "python",
        "code": template.source,
        "workflow_definition": template.definition,
        "definition_hash": facade.definition_hash(template.definition),
    }
