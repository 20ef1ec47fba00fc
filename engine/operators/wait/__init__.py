"""``wait``: a durable sleep for a duration or until a time."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.language.definition import Wait
from engine.language.definition.events import read_wait
from engine.language.durations import checked_seconds
from engine.language.expressions import compile_value
from engine.model.commands import StartTimer
from engine.model.errors import StepError
from engine.model.facts import Fact
from engine.model.json import Json
from engine.operators.kit.base import Asked, At, Done, Effect, Failed, GivenUp, PlainOperator, Site, Step


class WaitOperator(PlainOperator):
    __slots__ = ("roots", "wait_for")

    def __init__(self, definition: Wait, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.wait_for = compile_value(definition.wait_for)
        self.roots = self.wait_for.roots

    def step(self, at: At) -> Step:
        return _WaitStep(at, self)


class _WaitStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: WaitOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        value = self.operator.wait_for.render(self.at.names)
        try:
            return Asked((_timer(self.at.key, value),))
        except ValueError as error:
            return Failed(StepError("template", str(error), "BadWait", retryable=False), input=value)

    def settle(self, fact: Fact) -> Effect:  # noqa: ARG002 - a timer can only be over
        return Done()

    def give_up(self) -> Effect:
        return GivenUp()


def _timer(key: str, value: Json) -> StartTimer:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return StartTimer(key, seconds=checked_seconds(value))
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is neither a duration nor a time")
    moment = read_wait(value)
    if isinstance(moment, datetime):
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return StartTimer(key, until=zoned.isoformat())
    return StartTimer(key, seconds=moment)
