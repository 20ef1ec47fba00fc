"""``foreach``: runs its body once per item. Result ``{"count": n, "results": [result of the body's last task per item]}``."""

from __future__ import annotations

from typing import cast

from engine.language.definition import ForEach
from engine.language.expressions import EvaluationError, Value, compile_value, parse_expression
from engine.model.commands import Record
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import At, Done, Effect, Failed, PlainOperator, Round, RoundEnd, Rounds, Site, Step

MAX_ROUNDS = 100_000


class ForEachOperator(PlainOperator):
    __slots__ = ("items", "max_items", "parallel", "roots")

    def __init__(self, definition: ForEach, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.items = _compile_items(definition.items)
        self.roots = self.items.roots
        self.parallel = definition.parallel
        # Rounds of a parallel loop are all in memory at once.
        self.max_items = MAX_ROUNDS // len(definition.loop_body) if definition.parallel else MAX_ROUNDS

    @property
    def shares_rounds(self) -> bool:
        return not self.parallel

    def step(self, at: At) -> Step:
        return _ForEachStep(at, self)


def _compile_items(source: str | list[Json]) -> Value:
    """A list, a template of one, or an expression such as ``range(3)`` or ``order.lines``."""
    if isinstance(source, str) and "{{" not in source and "${" not in source:
        expression = parse_expression(source)
        return Value(source, expression.roots, expression.evaluate)
    return compile_value(source)


class _ForEachStep(Step):
    __slots__ = ("ended", "failure", "items", "operator", "results")

    def __init__(self, at: At, operator: ForEachOperator) -> None:
        super().__init__(at)
        self.operator = operator
        self.items: list[Json] = []
        self.results: list[Json] = []
        self.ended = 0
        self.failure: RoundEnd | None = None

    def begin(self) -> Effect:
        self.items = self._decided_items()
        self.results = [None] * len(self.items)
        if not self.items:
            return self._done()
        if self.operator.parallel:
            return Rounds(tuple(self._round(index) for index in range(len(self.items))))
        return Rounds((self._round(0),))

    def round_over(self, end: RoundEnd) -> Effect:
        self.ended += 1
        self.results[end.index] = end.result
        if end.error is not None and self.failure is None:
            self.failure = end
        last = self.ended == len(self.items)
        if self.failure and self.failure.error and (last or not self.operator.parallel):
            return Failed(self.failure.error, cause=self.failure.cause)
        if last:
            return self._done()
        return Rounds() if self.operator.parallel else Rounds((self._round(self.ended),))

    def _done(self) -> Effect:
        return Done({"count": len(self.items), "results": list(self.results)})

    def _round(self, index: int) -> Round:
        item = self.items[index]
        loop: JsonObject = {"index": index, "number": index + 1, "count": len(self.items)}
        return Round(index, {"item": item, "current_item": item, "loop": loop})

    def _decided_items(self) -> list[Json]:
        """The items as they were when the loop began: variables they came from may change while it runs."""
        at = self.at
        decision_key = f"{at.key}[]"
        recorded = at.recorded.get(decision_key)
        if recorded is not None and isinstance(recorded.result, dict):
            return cast(list[Json], recorded.result["items"])
        items = self.operator.items.render(at.names)
        if not isinstance(items, list):
            raise EvaluationError(f"items must be an array, not {type(items).__name__}")
        if len(items) > self.operator.max_items:
            raise EvaluationError(
                f"this loop takes at most {self.operator.max_items:,} items, and these are {len(items):,}"
            )
        if not at.variables.keys().isdisjoint(self.operator.roots):
            at.emit(Record(decision_key, "foreach", "succeeded", {"items": items}))
        return items
