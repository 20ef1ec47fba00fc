"""The items of a `foreach`, and what the round of one sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from engine.language.expressions import EvaluationError, Value, compile_value, parse_expression
from engine.model.commands import Record
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import At, Round

MAX_ROUNDS = 100_000


def compile_items(source: str | list[Json]) -> Value:
    """A list, a template of one, or an expression such as ``range(3)`` or ``order.lines``."""
    if isinstance(source, str) and "{{" not in source and "${" not in source:
        expression = parse_expression(source)
        return Value(source, expression.roots, expression.evaluate)
    return compile_value(source)


class Items(NamedTuple):
    """Where a loop's items come from, and how many it may have."""

    source: Value
    most: int

    def decided(self, at: At) -> list[Json]:
        """The items as they were when the loop began: variables they came from may change while it runs."""
        decision_key = f"{at.key}[]"
        recorded = at.recorded.get(decision_key)
        if recorded is not None and isinstance(recorded.result, dict):
            return cast(list[Json], recorded.result["items"])
        items = self.evaluated(at)
        if not at.variables.keys().isdisjoint(self.source.roots):
            at.emit(Record(decision_key, "foreach", "succeeded", {"items": items}))
        return items

    def evaluated(self, at: At) -> list[Json]:
        """The items as they are now."""
        items = self.source.render(at.names)
        if not isinstance(items, list):
            raise EvaluationError(f"items must be an array, not {type(items).__name__}")
        self.check(len(items))
        return items

    def check(self, count: int) -> None:
        """Raise `EvaluationError` when these are more than the loop may have."""
        if count > self.most:
            raise EvaluationError(f"this loop takes at most {self.most:,} items, and these are {count:,}")


def round_of(items: Sequence[Json], index: int) -> Round:
    """The round of the item at this place."""
    item = items[index]
    loop: JsonObject = {"index": index, "number": index + 1, "count": len(items)}
    return Round(index, {"item": item, "current_item": item, "loop": loop})
