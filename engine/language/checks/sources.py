"""Where expressions stand in each operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, cast

from engine.language.definition import (
    Activity,
    ChildWorkflow,
    Condition,
    EmitEvent,
    ForEach,
    Guard,
    MultiChoice,
    Operator,
    Reflexive,
    Switch,
    Task,
    Terminate,
    Wait,
    WaitForEvent,
    While,
)
from engine.language.problems import join_path
from engine.model.json import Json

Kind = Literal["value", "condition", "items"]


class Source(NamedTuple):
    """Something that is compiled as an expression: a value with templates, a condition, or the items of a loop."""

    path: str
    kind: Kind
    value: Json


def sources(operator: Operator, path: str) -> Iterator[Source]:
    """All expressions of one operator, those of the tasks inside it excepted."""
    for part, kind, value in _own(operator):
        if value not in (None, {}, []):
            yield Source(join_path(path, *part), kind, value)
    for name in ("preconditions", "postconditions"):
        for index, guard in enumerate(cast(list[Guard], getattr(operator, name))):
            variable: Kind = "value" if "{{" in guard.variable or "${" in guard.variable else "condition"
            yield Source(join_path(path, name, index, "variable"), variable, guard.variable)
            yield Source(join_path(path, name, index, "value"), "value", guard.value)


def _own(operator: Operator) -> Iterator[tuple[tuple[str | int, ...], Kind, Json]]:
    if operator.idempotency_key is not None:
        yield ("idempotency_key",), "value", operator.idempotency_key
    if isinstance(operator, (Task, Activity, Reflexive)):
        for index, limit in enumerate(operator.limits):
            yield ("limits", index, "key"), "value", limit.key
    if isinstance(operator, (Task, Activity)):
        yield ("args",), "value", operator.args
        yield ("kwargs",), "value", operator.kwargs
        if operator.compensation is not None:
            yield ("compensation", "args"), "value", operator.compensation.args
            yield ("compensation", "kwargs"), "value", operator.compensation.kwargs
    elif isinstance(operator, Reflexive):
        yield ("generator_kwargs",), "value", operator.generator_kwargs
        yield ("verifier_kwargs",), "value", operator.verifier_kwargs
    elif isinstance(operator, ChildWorkflow):
        for name, child in operator.children.items():
            yield ("children", name, "inputs"), "value", child.inputs
    else:
        yield from _of_control(operator)


def _of_control(operator: Operator) -> Iterator[tuple[tuple[str | int, ...], Kind, Json]]:
    if isinstance(operator, (Condition, While)):
        yield ("condition",), "condition", operator.condition
    elif isinstance(operator, Switch):
        yield ("switch_on",), "value", operator.switch_on
    elif isinstance(operator, Wait):
        yield ("wait_for",), "value", operator.wait_for
    elif isinstance(operator, ForEach):
        yield (
            ("items",),
            "items" if isinstance(operator.items, str) else "value",
            operator.items,
        )  # in a list, plain text is text
    elif isinstance(operator, MultiChoice):
        for name, choice in operator.branches.items():
            yield ("branches", name, "condition"), "condition", choice.condition
    elif isinstance(operator, EmitEvent):
        yield ("event_name",), "value", operator.event_name
        yield ("payload",), "value", operator.payload
    elif isinstance(operator, WaitForEvent):
        yield ("event_name",), "value", operator.event_name
    elif isinstance(operator, Terminate):
        yield ("result",), "value", operator.result
        yield ("reason",), "value", operator.reason
