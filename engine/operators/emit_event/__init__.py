"""``emit_event``: emits an event of this run together with its own checkpoint. Result ``{"event_name", "payload"}``."""

from __future__ import annotations

from engine.language.definition import EmitEvent
from engine.language.expressions import compile_value, parse_template
from engine.model.commands import Emit
from engine.operators.kit.base import At, Done, Effect, PlainOperator, Site, Step


class EmitEventOperator(PlainOperator):
    __slots__ = ("event_name", "payload", "roots")

    def __init__(self, definition: EmitEvent, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.event_name = parse_template(definition.event_name)
        self.payload = compile_value(definition.payload)
        self.roots = self.event_name.roots | self.payload.roots

    def step(self, at: At) -> Step:
        return _EmitStep(at, self)


class _EmitStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: EmitEventOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        name = self.operator.event_name.text(self.at.names)
        payload = self.operator.payload.render(self.at.names)
        return Done({"event_name": name, "payload": payload}, then=(Emit(self.at.key, name, payload),))
