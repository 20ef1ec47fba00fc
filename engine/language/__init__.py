"""The workflow language: reading, identity, validation, and the expressions inside it."""

from engine.language.canonical import canonical_json, definition_hash
from engine.language.checks import check
from engine.language.definition import Definition
from engine.language.problems import DefinitionError, Problem
from engine.language.reading import read_definition
from engine.language.texts import read_json, read_yaml

__all__ = [
    "Definition",
    "DefinitionError",
    "Problem",
    "canonical_json",
    "check",
    "definition_hash",
    "read_definition",
    "read_json",
    "read_yaml",
]
