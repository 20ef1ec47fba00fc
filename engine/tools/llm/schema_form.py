"""Which JSON Schemas can be checked here: their keywords, their references, their patterns. See `engine.tools.llm.json_schema` for the why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from engine.kit.patterns import PatternError, check_pattern
from engine.model.json import Json, JsonObject

MAX_DEPTH = 32
DEFINITIONS = "#/$defs/"

TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}
_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_SIZES = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
_SCHEMAS = {"anyOf", "oneOf", "allOf"}
_NOTES = {"title", "description", "default", "examples", "$schema", "format"}  # they say nothing that is checked
_PLAIN = {
    "type",
    "enum",
    "const",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "pattern",
    "$ref",
    "$defs",
}
KEYWORDS = frozenset(_NUMBERS | _SIZES | _SCHEMAS | _NOTES | _PLAIN)


def refuse_unknown(schema: Json) -> None:
    """Raise `ValueError` for what is no schema that `problems` can check: a keyword that was ignored would promise what nobody holds."""
    _refuse(schema, "$", 0, definitions(schema))
    _refuse_circles(definitions(schema))


def definitions(schema: Json) -> JsonObject:
    """What its references name."""
    found = schema.get("$defs") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def _refuse(schema: Json, path: str, depth: int, defined: JsonObject) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        raise ValueError(f"{path} is no schema" if depth <= MAX_DEPTH else f"{path} is nested deeper than {MAX_DEPTH}")
    if unknown := sorted(schema.keys() - KEYWORDS):
        raise ValueError(f"{path}: {', '.join(unknown)} is not checked here (known: {', '.join(sorted(KEYWORDS))})")
    _refuse_values(schema, path)
    _refuse_reference(schema, path, defined)
    for where, inner in _inner(schema, path):
        _refuse(inner, where, depth + 1, defined)


def _refuse_reference(schema: JsonObject, path: str, defined: JsonObject) -> None:
    if "$defs" in schema and path != "$":
        raise ValueError(f"{path}.$defs: definitions stand at the root of a schema alone")
    named = schema.get("$ref", DEFINITIONS)
    if not isinstance(named, str) or not named.startswith(DEFINITIONS):
        raise ValueError(f"{path}.$ref must be of the form {DEFINITIONS}name: nothing is fetched from elsewhere")
    if "$ref" in schema and named.removeprefix(DEFINITIONS) not in defined:
        raise ValueError(f"{path}.$ref: there is no {named}; there is: {', '.join(sorted(defined)) or 'none'}")


def _refuse_circles(defined: JsonObject) -> None:
    """A definition that is itself, without a step into the value, would never be checked to its end."""
    leads_to = {name: set(_at_the_same_place(inner)) for name, inner in defined.items()}
    while ends := [name for name, others in leads_to.items() if not others & leads_to.keys()]:
        for name in ends:
            del leads_to[name]
    if leads_to:
        raise ValueError(f"$.$defs: {', '.join(sorted(leads_to))} would be checked for ever: each leads to itself")


def _at_the_same_place(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield str(schema["$ref"]).removeprefix(DEFINITIONS)
        for keyword in _SCHEMAS & schema.keys():
            for inner in cast(list[Json], schema[keyword]):
                yield from _at_the_same_place(inner)


def _refuse_values(schema: JsonObject, path: str) -> None:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in TYPES:
            raise ValueError(f"{path}.type: {kind!r} is no type")
    for name in schema.keys() & (_NUMBERS | _SIZES):
        if not TYPES["number"](schema[name]):
            raise ValueError(f"{path}.{name} must be a number")
    forms = {"required": list, "enum": list, "properties": dict, "$defs": dict, **dict.fromkeys(_SCHEMAS, list)}
    for name, form in forms.items():
        if name in schema and not isinstance(schema[name], form):
            raise ValueError(f"{path}.{name} must be {'a list' if form is list else 'an object'}")
    if "pattern" in schema:
        _refuse_pattern(schema["pattern"], f"{path}.pattern")


def _refuse_pattern(pattern: Json, path: str) -> None:
    if not isinstance(pattern, str):
        raise ValueError(f"{path} must be text")
    try:
        check_pattern(pattern)
    except PatternError as error:
        raise ValueError(f"{path}: {error}") from error


def _inner(schema: JsonObject, path: str) -> Iterator[tuple[str, Json]]:
    for keyword in ("$defs", "properties"):
        for name, inner in cast(JsonObject, schema.get(keyword, {})).items():
            yield f"{path}.{keyword}.{name}", inner
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield f"{path}.{keyword}", schema[keyword]
    for keyword in sorted(_SCHEMAS & schema.keys()):
        for index, inner in enumerate(cast(list[Json], schema[keyword])):
            yield f"{path}.{keyword}[{index}]", inner
