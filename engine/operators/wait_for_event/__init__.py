"""``wait_for_event``: waits for an event of this run; the result is its payload, a timeout is a failure of its own kind."""

from __future__ import annotations

from engine.language.definition import WaitForEvent
from engine.language.expressions import parse_template
from engine.model.commands import AwaitEvent
from engine.model.facts import Fact, WaitOver
from engine.operators.kit.awaiting import heard
from engine.operators.kit.base import Asked, At, Effect, GivenUp, PlainOperator, Site, Step


class WaitForEventOperator(PlainOperator):
    __slots__ = ("event_name", "roots", "timeout_seconds")

    def __init__(self, definition: WaitForEvent, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.event_name = parse_template(definition.event_name)
        self.roots = self.event_name.roots
        policy = definition.timeout_policy
        self.timeout_seconds = definition.timeout_seconds if policy is None else policy.timeout

    def step(self, at: At) -> Step:
        return _WaitForEventStep(at, self)


class _WaitForEventStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: WaitForEventOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        name = self.operator.event_name.text(self.at.names)
        return Asked((AwaitEvent(self.at.key, name, self.operator.timeout_seconds),))

    def settle(self, fact: Fact) -> Effect:
        if not isinstance(fact, WaitOver):
            return super().settle(fact)
        name = self.operator.event_name.text(self.at.names)
        return heard(f"event '{name}'", self.operator.timeout_seconds, fact)

    def give_up(self) -> Effect:
        return GivenUp()
