"""``condition``: evaluates once and lets one of two sides run. Result ``{"value": bool}``."""

from __future__ import annotations

from engine.language.definition import Condition
from engine.language.expressions import parse_condition
from engine.model.json import Json
from engine.operators.kit.base import At, Done, Effect, PlainOperator, Site, Step


class ConditionOperator(PlainOperator):
    __slots__ = ("condition", "if_false", "if_true", "roots")

    def __init__(self, definition: Condition, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.condition = parse_condition(definition.condition)
        self.roots = self.condition.roots
        self.if_true = definition.if_true
        self.if_false = definition.if_false

    def step(self, at: At) -> Step:
        return _ConditionStep(at, self)

    def chosen(self, result: Json) -> str | None:
        return self.if_true if isinstance(result, dict) and result.get("value") else self.if_false


class _ConditionStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: ConditionOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        return Done({"value": self.operator.condition.holds(self.at.names)})
