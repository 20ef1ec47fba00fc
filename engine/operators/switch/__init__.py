"""``switch``: compares a value as text with its cases and lets one target run. Result ``{"value": text, "target": id or null}``."""

from __future__ import annotations

from engine.language.definition import Switch
from engine.language.expressions import as_text, parse_template
from engine.model.json import Json
from engine.operators.kit.base import At, Done, Effect, PlainOperator, Site, Step


class SwitchOperator(PlainOperator):
    __slots__ = ("cases", "default", "roots", "switch_on")

    def __init__(self, definition: Switch, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.switch_on = parse_template(definition.switch_on)
        self.roots = self.switch_on.roots
        self.cases = dict(definition.cases)
        self.default = definition.default

    def step(self, at: At) -> Step:
        return _SwitchStep(at, self)

    def chosen(self, result: Json) -> str | None:
        target = result.get("target") if isinstance(result, dict) else None
        return target if isinstance(target, str) else None


class _SwitchStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: SwitchOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        value = as_text(self.operator.switch_on.evaluate(self.at.names))
        return Done({"value": value, "target": self.operator.cases.get(value, self.operator.default)})
