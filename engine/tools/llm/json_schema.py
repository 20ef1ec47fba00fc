"""JSON Schema, as much of it as answers of language models need: no references, and no patterns that could take for ever.

Source: the keywords of JSON Schema 2020-12 that are named here, with their meaning there.

Why not the package `jsonschema`, which is installed: schemas and answers come from tenants and models, and its work has no bound. It was tried: each
level of references that are used twice doubles the work (sixteen levels: 2 s), ``uniqueItems`` compares two thousand objects for 5 s, ``pattern`` is
Python's own engine also where ``additionalProperties`` looks at names, and every error carries the whole value as text, inside ``anyOf`` too, where
nobody reads it: a hundred alternatives on 5 MB take 4 s there and 5 ms here. What would make it safe is a list of allowed keywords and own versions of
most of them, which is this file. Here the work is at most that of each rule on each value at its place: nothing repeats a schema or looks back.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from engine.model.json import Json, JsonObject

MAX_PROBLEMS = 10
MAX_DEPTH = 32

_TYPES: Mapping[str, Callable[[Json], bool]] = {
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
_LIMITS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "maximum": (operator.le, "at most"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "exclusiveMaximum": (operator.lt, "less than"),
}
_NUMBERS = set(_LIMITS)
_SIZES = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
_SCHEMAS = {"anyOf", "oneOf", "allOf"}
_NOTES = {"title", "description", "default", "examples", "$schema", "format"}  # they say nothing that is checked
_PLAIN = {"type", "enum", "const", "required", "properties", "items", "additionalProperties"}
KEYWORDS = frozenset(_NUMBERS | _SIZES | _SCHEMAS | _NOTES | _PLAIN)


def refuse_unknown(schema: Json, path: str = "$", depth: int = 0) -> None:
    """Raise `ValueError` for what is no schema that `problems` can check: a keyword that was ignored would promise what nobody holds."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        raise ValueError(f"{path} is no schema" if depth <= MAX_DEPTH else f"{path} is nested deeper than {MAX_DEPTH}")
    if unknown := sorted(schema.keys() - KEYWORDS):
        raise ValueError(f"{path}: {', '.join(unknown)} is not checked here (known: {', '.join(sorted(KEYWORDS))})")
    _refuse_values(schema, path)
    for where, inner in _inner(schema, path):
        refuse_unknown(inner, where, depth + 1)


def problems(value: Json, schema: Json) -> list[str]:
    """What is wrong with the value, in sentences that begin with the place; at most ten. The schema has passed `refuse_unknown`."""
    found: list[str] = []
    for problem in _problems(value, schema, "$"):
        found.append(problem)
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _refuse_values(schema: JsonObject, path: str) -> None:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            raise ValueError(f"{path}.type: {kind!r} is no type")
    for name in schema.keys() & (_NUMBERS | _SIZES):
        if not _TYPES["number"](schema[name]):
            raise ValueError(f"{path}.{name} must be a number")
    for name, form in (("required", list), ("enum", list), ("properties", dict), *((name, list) for name in _SCHEMAS)):
        if name in schema and not isinstance(schema[name], form):
            raise ValueError(f"{path}.{name} must be {'a list' if form is list else 'an object'}")


def _inner(schema: JsonObject, path: str) -> Iterator[tuple[str, Json]]:
    for name, inner in cast(JsonObject, schema.get("properties", {})).items():
        yield f"{path}.properties.{name}", inner
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield f"{path}.{keyword}", schema[keyword]
    for keyword in sorted(_SCHEMAS & schema.keys()):
        for index, inner in enumerate(cast(list[Json], schema[keyword])):
            yield f"{path}.{keyword}[{index}]", inner


def _problems(value: Json, schema: Json, path: str) -> Iterator[str]:
    if isinstance(schema, bool):
        if not schema:
            yield f"{path} is not allowed"
        return
    rules = cast(JsonObject, schema)
    kinds = rules.get("type")
    wanted = cast(list[str], kinds if isinstance(kinds, list) else [kinds]) if kinds is not None else []
    if wanted and not any(_TYPES[kind](value) for kind in wanted):
        yield f"{path} must be of type {' or '.join(wanted)}"
        return
    yield from _choice_problems(value, rules, path)
    if isinstance(value, dict):
        yield from _object_problems(value, rules, path)
    elif isinstance(value, list):
        yield from _size_problems(len(value), rules, path, "Items", "items")
        for index, item in enumerate(value):
            yield from _problems(item, rules.get("items", True), f"{path}[{index}]")
    elif isinstance(value, str):
        yield from _size_problems(len(value), rules, path, "Length", "characters")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_problems(value, rules, path)


def _choice_problems(value: Json, rules: JsonObject, path: str) -> Iterator[str]:
    if "enum" in rules and not any(_same(value, choice) for choice in cast(list[Json], rules["enum"])):
        yield f"{path} must be one of {rules['enum']}"
    if "const" in rules and not _same(value, rules["const"]):
        yield f"{path} must be {rules['const']!r}"
    for inner in cast(list[Json], rules.get("allOf", [])):
        yield from _problems(value, inner, path)
    for keyword, right in (("anyOf", range(1, 1_000_000)), ("oneOf", range(1, 2))):
        if keyword in rules:
            fitting = sum(not problems(value, inner) for inner in cast(list[Json], rules[keyword]))
            if fitting not in right:
                yield f"{path} fits {fitting} of the schemas of {keyword}"


def _object_problems(value: JsonObject, rules: JsonObject, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), rules, path, "Properties", "properties")
    known = cast(JsonObject, rules.get("properties", {}))
    for name in cast(list[str], rules.get("required", [])):
        if name not in value:
            yield f"{path}.{name} is required"
    others = rules.get("additionalProperties", True)
    for name, inner in value.items():
        yield from _problems(inner, known.get(name, others), f"{path}.{name}")


def _size_problems(size: int, rules: JsonObject, path: str, what: str, noun: str) -> Iterator[str]:
    least, most = rules.get(f"min{what}"), rules.get(f"max{what}")
    if isinstance(least, int | float) and size < least:
        yield f"{path} has {size} {noun}, at least {least} are needed"
    if isinstance(most, int | float) and size > most:
        yield f"{path} has {size} {noun}, at most {most} are allowed"


def _number_problems(value: float, rules: JsonObject, path: str) -> Iterator[str]:
    for name, (holds, words) in _LIMITS.items():
        limit = rules.get(name)
        if isinstance(limit, int | float) and not holds(value, limit):
            yield f"{path} must be {words} {limit}"


def _same(left: Json, right: Json) -> bool:
    """Equal as JSON: true is not 1."""
    return left == right and isinstance(left, bool) is isinstance(right, bool)
