"""``while``: decides before each round whether to go on. Result ``{"iterations": n}``.

Each decision is stored under ``<loop>[<round>]``: what it was made from may change, so on re-entry it is not made again.
"""

from __future__ import annotations

from engine.language.definition import While
from engine.language.expressions import Overlay, parse_condition
from engine.model.commands import Record
from engine.model.errors import StepError
from engine.model.json import JsonObject
from engine.operators.kit.base import At, Done, Effect, Failed, PlainOperator, Round, RoundEnd, Rounds, Site, Step

DEFAULT_MAX_ITERATIONS = 1_000


class WhileOperator(PlainOperator):
    __slots__ = ("condition", "max_iterations", "roots")

    def __init__(self, definition: While, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.condition = parse_condition(definition.condition)
        self.roots = self.condition.roots
        self.max_iterations = definition.max_iterations or DEFAULT_MAX_ITERATIONS

    @property
    def shares_rounds(self) -> bool:
        return True

    def step(self, at: At) -> Step:
        return _WhileStep(at, self)


class _WhileStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: WhileOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        return self._decide(0)

    def round_over(self, end: RoundEnd) -> Effect:
        if end.error is not None:
            return Failed(end.error, cause=end.cause)
        return self._decide(end.index + 1)

    def _decide(self, index: int) -> Effect:
        if not self._goes_on(index):
            return Done({"iterations": index})
        if index >= self.operator.max_iterations:
            message = f"the loop did not end within {self.operator.max_iterations:,} rounds"
            return Failed(StepError("loop_limit", message, "LoopLimit", retryable=False))
        return Rounds((Round(index, _loop_names(index)),))

    def _goes_on(self, index: int) -> bool:
        at = self.at
        decision_key = f"{at.key}[{index}]"
        recorded = at.recorded.get(decision_key)
        if recorded is not None and isinstance(recorded.result, dict):
            return bool(recorded.result["value"])
        value = self.operator.condition.holds(Overlay(_loop_names(index), at.names))
        at.emit(Record(decision_key, "while", "succeeded", {"value": value}))
        return value


def _loop_names(index: int) -> JsonObject:
    """What the condition and the body of a round see besides the names around the loop."""
    return {"loop": {"index": index, "number": index + 1}}
