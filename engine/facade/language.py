"""Checking definitions before they are stored, and telling authors how they are written."""

from __future__ import annotations

from collections.abc import Collection

from engine.language import Problem, canonical_json, check, definition_hash
from engine.model.json import Json
from engine.teaching.prompt import dsl_prompt
from engine.tools import registry

__all__ = ["canonical_json", "check_definition", "definition_hash", "dsl_prompt"]


def check_definition(value: Json, inputs: Collection[str] | None = None) -> list[Problem]:
    """Everything that is wrong with a definition, each with its JSON path. Without an error among it, `register` may store the value.

    ``inputs`` are the names that a run of it will be given, where they are known: a template that needs another is an error then.
    """
    return check(value, registry.keys(), inputs)
