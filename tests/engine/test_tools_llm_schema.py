"""What is checked of JSON Schema, and that nothing is silently left unchecked."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from engine.tools.llm.json_schema import MAX_PROBLEMS, problems
from engine.tools.llm.schema_form import refuse_unknown


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string"}, "a", 1),
        ({"type": ["string", "null"]}, None, 1),
        ({"type": "integer"}, 2.0, 2.5),
        ({"type": "integer"}, 2, True),
        ({"type": "integer"}, -1e300, float("inf")),
        ({"type": "number"}, 2.5, False),
        ({"enum": [1, "a"]}, "a", True),
        ({"const": 0}, 0, False),
        ({"minimum": 1, "exclusiveMaximum": 3}, 1, 3),
        ({"minLength": 2, "maxLength": 3}, "ab", "a"),
        ({"items": {"type": "integer"}, "maxItems": 2}, [1, 2], [1, "x"]),
        ({"minItems": 1}, [0], []),
        ({"required": ["a"]}, {"a": None}, {"b": 1}),
        ({"properties": {"a": {"type": "null"}}, "additionalProperties": False}, {"a": None}, {"b": 1}),
        ({"additionalProperties": {"type": "string"}}, {"b": "x"}, {"b": 1}),
        ({"maxProperties": 1}, {"b": "x"}, {"b": 1, "c": 1}),
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, 6, 1),
        ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, 1, 6),
        ({"allOf": [{"type": "integer"}, {"minimum": 5}]}, 6, 1),
        (True, 1, None),
        ({"pattern": "^[a-z]+$"}, "abc", "ab1"),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, 1, "x"),
    ],
)
def test_a_value_fits_or_does_not(schema: Any, good: Any, bad: Any) -> None:
    refuse_unknown(schema)
    assert problems(good, schema) == []
    assert schema is True or problems(bad, schema)


def test_problems_name_the_place_and_are_bounded() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    assert problems({"a": [1, "x"]}, schema) == ["$.a[1] must be of type integer"]
    assert len(problems({"a": ["x"] * 100}, schema)) == MAX_PROBLEMS


@pytest.mark.parametrize(
    "schema",
    [
        7,
        {"$ref": "#"},
        {"$ref": "https://example.org/schema"},
        {"$ref": "#/$defs/missing", "$defs": {}},
        {"properties": {"a": {"$defs": {}}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}},
        {"pattern": "("},
        {"pattern": "(?=a)"},
        {"pattern": 1},
        {"type": [[]]},
        {"type": "x"},
        {"items": 5},
        {"properties": []},
        {"minimum": "1"},
        {"anyOf": {}},
    ],
)
def test_what_would_not_be_checked_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"\$"):
        refuse_unknown(schema)


def test_a_schema_that_is_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(ValueError, match="deeper"):
        refuse_unknown(schema)


def test_large_answers_are_checked_in_no_time_whatever_the_schema_says() -> None:
    """Hundreds of times slower is what a general validator is here: see the module."""
    value: Any = [["x" * 20] * 10 for _ in range(20_000)]
    schema = {"anyOf": [{"type": "string"}] * 100}
    started = time.process_time()
    assert problems(value, schema) == ["$ fits 0 of the schemas of anyOf"]
    assert time.process_time() - started < 0.5


def test_a_schema_that_pydantic_makes_of_models_is_checked_as_deep_as_the_value_goes() -> None:
    class Part(BaseModel):
        name: str
        parts: list[Part] = []

    schema: Any = Part.model_json_schema()
    refuse_unknown(schema)
    assert problems({"name": "a", "parts": [{"name": "b", "parts": []}]}, schema) == []
    assert problems({"name": "a", "parts": [{"parts": [{"name": 1}]}]}, schema) == [
        "$.parts[0].name is required",
        "$.parts[0].parts[0].name must be of type string",
    ]


def test_references_cannot_make_work_without_end_nor_patterns() -> None:
    names = [f"n{number}" for number in range(40)]
    twice = {name: {"allOf": [{"$ref": f"#/$defs/{after}"}] * 2} for name, after in pairwise(names)}
    schema: Any = {"$ref": "#/$defs/n0", "$defs": {**twice, names[-1]: {"type": "string"}}}
    refuse_unknown(schema)
    started = time.process_time()
    assert problems("x", schema) == ["$ is too much to be checked against this schema"]
    endless: Any = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    refuse_unknown(endless)
    assert problems(deep, endless) in ([], ["$ is too much to be checked against this schema"])
    assert problems("a" * 5_000 + "b", {"pattern": "^(a+)+$"}) == ["$ must match ^(a+)+$"]
    assert time.process_time() - started < 10
