"""Checking definitions before they are stored."""

from __future__ import annotations

from engine.language import DefinitionError, Problem, read_definition
from engine.model.json import Json


def check_definition(value: Json) -> list[Problem]:
    """Everything that is wrong with a definition, each with its JSON path. Without an error among it, `register` may store the value."""
    try:
        read_definition(value)
    except DefinitionError as error:
        return error.problems
    return []
