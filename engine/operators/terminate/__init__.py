"""``terminate``: ends the task as its author says, skipping the rest."""

from __future__ import annotations

from typing import cast

from engine.language.definition import Terminate
from engine.language.expressions import compile_value, parse_template
from engine.model.json import JsonObject
from engine.operators.kit.base import At, Effect, Ended, PlainOperator, Site, Step


class TerminateOperator(PlainOperator):
    __slots__ = ("reason", "result", "roots", "status")

    def __init__(self, definition: Terminate, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.status = definition.status
        self.result = compile_value(definition.result)
        self.reason = parse_template(definition.reason)
        self.roots = self.result.roots | self.reason.roots

    def step(self, at: At) -> Step:
        return _TerminateStep(at, self)


class _TerminateStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: TerminateOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        result = cast(JsonObject, self.operator.result.render(self.at.names))
        return Ended(self.operator.status, result, self.operator.reason.text(self.at.names))
