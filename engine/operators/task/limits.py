"""What a step asks of limits before its tool is called."""

from __future__ import annotations

from collections.abc import Sequence

from engine.language.definition.limits import StepLimit
from engine.language.expressions import Names, compile_value
from engine.model.facts import WaitOver
from engine.model.json import JsonObject


class CompiledLimits:
    """The limits of one step, their keys compiled."""

    __slots__ = ("_limits", "roots")

    def __init__(self, limits: Sequence[StepLimit]) -> None:
        self._limits = [(limit, compile_value(limit.key)) for limit in limits]
        self.roots: frozenset[str] = frozenset().union(*(key.roots for _, key in self._limits))

    def __bool__(self) -> bool:
        return bool(self._limits)

    def uses(self, names: Names) -> list[JsonObject]:
        """What the step needs now, in the form that gates have."""
        return [_use(limit, str(key.render(names))[:255]) for limit, key in self._limits]

    def lets_go_on(self, over: WaitOver) -> bool:
        """Whether the end of a wait gave the step all that it needs; else it asks again for the rest."""
        if over.timed_out:
            return False
        granted = isinstance(over.payload, dict) and bool(over.payload.get("granted"))
        return granted or len(self._limits) == 1


def _use(limit: StepLimit, key: str) -> JsonObject:
    if limit.kind == "concurrency":
        return {"kind": "concurrency", "key": key, "limit": limit.limit}
    return {
        "kind": "rate",
        "key": key,
        "limit": limit.limit if limit.kind == "rate" else 1,
        "per_seconds": limit.per_seconds,
    }
