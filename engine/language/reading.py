"""Raw JSON to a typed `Definition`, with every problem of its form in plain words."""

from __future__ import annotations

from itertools import islice
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.language.definition import Definition
from engine.language.hints import Hints
from engine.language.problems import DefinitionError, Problem, join_path
from engine.language.shape import check_shape
from engine.model.json import Json, JsonObject

_OPERATORS = (
    *("task", "activity", "condition", "switch", "wait", "parallel", "multi_choice", "join", "foreach", "while"),
    *("emit_event", "wait_for_event", "child_workflow", "reflexive", "terminate"),
)
_KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "missing": "is missing",
}
_MAX_PROBLEMS = 1_000
_FIRST_TASKS = 100


def read_definition(value: Json) -> Definition:
    """The typed definition; DefinitionError lists all problems of form. Use `engine.language.check` before you store one."""
    check_shape(value)
    try:
        return Definition.model_validate(value)
    except ValidationError as error:
        raise DefinitionError(_problems(value, error)) from None


def _problems(value: Json, error: ValidationError) -> list[Problem]:
    """All problems, or when there are very many those of the first tasks: what lists a hundred thousand has no reader."""
    more = error.error_count() > _MAX_PROBLEMS
    if more and isinstance(value, dict) and isinstance(value.get("tasks"), dict):
        first = dict(islice(cast(JsonObject, value["tasks"]).items(), _FIRST_TASKS))
        try:
            Definition.model_validate({**value, "tasks": first})
        except ValidationError as of_the_first:
            error = of_the_first
    if error.error_count() > _MAX_PROBLEMS:
        return [Problem("$", "too_many_problems", f"over {_MAX_PROBLEMS:,} values have a form that is not theirs")]
    hints = Hints()
    details = error.errors(include_url=False, include_input=True)
    return [_problem(value, detail, hints) for detail in details]


def _problem(value: Json, detail: ErrorDetails, hints: Hints) -> Problem:
    parts = list(_own_parts(value, detail["loc"]))
    if parts and parts[-1] == "[key]":
        parts.pop()
    path = join_path("$", *parts)
    kind = detail["type"]
    if kind.startswith("union_tag"):
        return _operator_problem(path, detail, hints)
    code = {"missing": "missing", "value_error": "bad_value"}.get(kind, "wrong_type" if kind in _KINDS else "bad_value")
    return Problem(path, code, _sentence(parts, detail))


def _own_parts(value: Any, location: tuple[int | str, ...]) -> list[str | int]:
    """The location without the union tags that pydantic puts between an operator and its fields."""
    parts: list[str | int] = []
    entered_operator = False
    for part in location:
        if entered_operator and isinstance(value, dict) and part == value.get("operator_type"):
            entered_operator = False
            continue
        if (
            not isinstance(value, (dict, list))
            and parts
            and isinstance(part, str)
            and part in {"str", "float", "list[any]"}
        ):
            continue  # the tag of a plain union such as text | number
        parts.append(part)
        value = _member(value, part)
        entered_operator = True
    return parts


def _member(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _operator_problem(path: str, detail: ErrorDetails, hints: Hints) -> Problem:
    given = detail.get("ctx", {}).get("tag")
    place = join_path(path, "operator_type")
    if given is None:
        return Problem(place, "missing", "operator_type is missing: it says what this task does")
    hint = hints.offer(given, _OPERATORS) or f"; known are {', '.join(_OPERATORS)}"
    return Problem(place, "unknown_operator", f"there is no operator {_shortened(given)}" + hint)


def _sentence(parts: list[str | int], detail: ErrorDetails) -> str:
    subject = ascii(parts[-1]).strip("'")[:80] if parts else "the definition"
    kind = detail["type"]
    if kind in _KINDS:
        return f"{subject} {_KINDS[kind]}"
    if kind == "value_error":
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    if kind == "string_pattern_mismatch":
        return f"{subject}: {_shortened(detail.get('input'))} has characters that are not allowed here"
    message = detail["msg"].replace("Input should", "should").replace("String should", "should")
    return f"{subject} {message[0].lower()}{message[1:]}"


def _shortened(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
