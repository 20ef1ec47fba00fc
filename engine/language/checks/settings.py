"""Settings that no operator has. They are ignored, as the client libraries send some of their own; one that looks like another was meant to be it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from engine.language.definition import Definition, ForEach, MultiChoice, Operator, Parallel, While
from engine.language.expressions.errors import did_you_mean, nearest
from engine.language.hints import MAX_HINTS
from engine.language.problems import Problem, join_path
from engine.model.json import Json, JsonObject

_ALSO = frozenset({"depends_on"})  # of the second dialect


def problems(value: Json, definition: Definition) -> Iterator[Problem]:
    """Warnings about the raw definition that was read as ``definition``; the first `MAX_HINTS` of those that could be meant otherwise."""
    if isinstance(value, dict):
        yield from _of_object(value, frozenset(Definition.model_fields), "a workflow", "$")
        left = MAX_HINTS
        for raw, operator, path in _tasks(value, definition):
            for problem in _of_object(raw, _known(operator), f"the operator {operator.operator_type}", path):
                yield problem
                left -= 1
                if not left:
                    return


def _of_object(raw: JsonObject, known: frozenset[str], whose: str, path: str) -> Iterator[Problem]:
    for key, given in raw.items():
        if key in known or given in (None, "", [], {}):
            continue
        if near := nearest(key, known):
            message = f"'{key}' is no setting of {whose} and has no effect" + did_you_mean(near[:1])
            yield Problem(join_path(path, key), "unknown_setting", message, "warning")


def _known(operator: Operator) -> frozenset[str]:
    return frozenset(type(operator).model_fields) | _ALSO


def _tasks(value: JsonObject, definition: Definition) -> Iterator[tuple[JsonObject, Operator, str]]:
    """Every task as it was written, as it was read, and where it stands."""
    pending = [
        (cast(JsonObject, cast(JsonObject, value["tasks"])[key]), task, join_path("$.tasks", key))
        for key, task in definition.tasks.items()
    ]
    while pending:
        raw, operator, path = pending.pop()
        yield raw, operator, path
        if isinstance(operator, (ForEach, While)):
            body = cast(list[JsonObject], raw.get("loop_body") or [])
            pending += [
                (body[at], task, join_path(path, "loop_body", at)) for at, task in enumerate(operator.loop_body)
            ]
        elif isinstance(operator, (Parallel, MultiChoice)):
            branches = cast(JsonObject, raw["branch_workflows"])
            for name, branch in operator.branch_workflows.items():
                tasks = cast(JsonObject, cast(JsonObject, branches[name])["tasks"])
                place = join_path(path, "branch_workflows", name, "tasks")
                pending += [
                    (cast(JsonObject, tasks[key]), task, join_path(place, key)) for key, task in branch.tasks.items()
                ]
