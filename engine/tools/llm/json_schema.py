"""JSON Schema, as much of it as answers of language models need: references within the schema, and patterns that take no time to speak of.

Source: the keywords of JSON Schema 2020-12 that are named here, with their meaning there.

Why not the package `jsonschema`, which is installed: schemas and answers come from tenants and models, and its work has no bound. It was tried: each
level of references that are used twice doubles the work (sixteen levels: 2 s), ``uniqueItems`` compares two thousand objects for 5 s, ``pattern`` is
Python's own engine also where ``additionalProperties`` looks at names, and every error carries the whole value as text, inside ``anyOf`` too, where
nobody reads it: a hundred alternatives on 5 MB take 4 s there and 5 ms here. What would make it safe is a list of allowed keywords and own versions of
most of them, which is this file. Here the work is at most that of each rule on each value at its place, and `MAX_STEPS` where references repeat them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import cast

from engine.kit.patterns import matches
from engine.model.json import Json, JsonObject
from engine.tools.llm.schema_form import DEFINITIONS, TYPES, definitions

MAX_PROBLEMS = 10
MAX_STEPS = 300_000  # schemas looked at on values: a second of work

_LIMITS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "maximum": (operator.le, "at most"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "exclusiveMaximum": (operator.lt, "less than"),
}


def problems(value: Json, schema: Json) -> list[str]:
    """What is wrong with the value, in sentences that begin with the place; at most ten. The schema has passed `refuse_unknown`."""
    found: list[str] = []
    try:
        found.extend(islice(_Check(definitions(schema)).problems(value, schema, "$"), MAX_PROBLEMS))
    except (_TooMuchError, RecursionError):
        found.append("$ is too much to be checked against this schema")
    return found


class _TooMuchError(Exception):
    """References have made more work than a check may be."""


class _Check:
    """One check of a value. ``left``: how many more times a schema may be looked at."""

    def __init__(self, defined: JsonObject) -> None:
        self.defined = defined
        self.left = MAX_STEPS

    def problems(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        self.left -= 1
        if self.left < 0:
            raise _TooMuchError
        if isinstance(schema, bool):
            if not schema:
                yield f"{path} is not allowed"
            return
        rules = cast(JsonObject, schema)
        kinds = rules.get("type")
        wanted = cast(list[str], kinds if isinstance(kinds, list) else [kinds]) if kinds is not None else []
        if wanted and not any(TYPES[kind](value) for kind in wanted):
            yield f"{path} must be of type {' or '.join(wanted)}"
            return
        yield from self._choices(value, rules, path)
        if isinstance(value, dict):
            yield from self._of_object(value, rules, path)
        elif isinstance(value, list):
            yield from _size_problems(len(value), rules, path, "Items", "items")
            for index, item in enumerate(value if "items" in rules else ()):
                yield from self.problems(item, rules["items"], f"{path}[{index}]")
        elif isinstance(value, str):
            yield from _text_problems(value, rules, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _number_problems(value, rules, path)

    def _choices(self, value: Json, rules: JsonObject, path: str) -> Iterator[str]:
        if "$ref" in rules:
            yield from self.problems(value, self.defined[str(rules["$ref"]).removeprefix(DEFINITIONS)], path)
        if "enum" in rules and not any(_same(value, choice) for choice in cast(list[Json], rules["enum"])):
            yield f"{path} must be one of {rules['enum']}"
        if "const" in rules and not _same(value, rules["const"]):
            yield f"{path} must be {rules['const']!r}"
        for inner in cast(list[Json], rules.get("allOf", [])):
            yield from self.problems(value, inner, path)
        for keyword, right in (("anyOf", range(1, 1_000_000)), ("oneOf", range(1, 2))):
            if keyword in rules:
                inners = cast(list[Json], rules[keyword])
                fitting = sum(next(self.problems(value, inner, path), None) is None for inner in inners)
                if fitting not in right:
                    yield f"{path} fits {fitting} of the schemas of {keyword}"

    def _of_object(self, value: JsonObject, rules: JsonObject, path: str) -> Iterator[str]:
        yield from _size_problems(len(value), rules, path, "Properties", "properties")
        known = cast(JsonObject, rules.get("properties", {}))
        for name in cast(list[str], rules.get("required", [])):
            if name not in value:
                yield f"{path}.{name} is required"
        others = rules.get("additionalProperties", True)
        for name, inner in value.items():
            yield from self.problems(inner, known.get(name, others), f"{path}.{name}")


def _text_problems(value: str, rules: JsonObject, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), rules, path, "Length", "characters")
    pattern = rules.get("pattern")
    if isinstance(pattern, str) and not matches(pattern, value):
        yield f"{path} must match {pattern}"


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
