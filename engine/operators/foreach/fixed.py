"""A loop over the items that it begins with."""

from __future__ import annotations

from engine.model.json import Json
from engine.operators.foreach.items import Items, round_of
from engine.operators.kit.base import At, Done, Effect, Failed, RoundEnd, Rounds, Step


class FixedStep(Step):
    """One round after another, or all of them at the same time."""

    __slots__ = ("ended", "failure", "is_parallel", "items", "results", "source")

    def __init__(self, at: At, source: Items, *, is_parallel: bool) -> None:
        super().__init__(at)
        self.source = source
        self.is_parallel = is_parallel
        self.items: list[Json] = []
        self.results: list[Json] = []
        self.ended = 0
        self.failure: RoundEnd | None = None

    def begin(self) -> Effect:
        self.items = self.source.decided(self.at)
        self.results = [None] * len(self.items)
        if not self.items:
            return self._done()
        if self.is_parallel:
            return Rounds(tuple(round_of(self.items, index) for index in range(len(self.items))))
        return Rounds((round_of(self.items, 0),))

    def round_over(self, end: RoundEnd) -> Effect:
        self.ended += 1
        self.results[end.index] = end.result
        if end.error is not None and self.failure is None:
            self.failure = end
        last = self.ended == len(self.items)
        if self.failure and self.failure.error and (last or not self.is_parallel):
            return Failed(self.failure.error, cause=self.failure.cause)
        if last:
            return self._done()
        return Rounds() if self.is_parallel else Rounds((round_of(self.items, self.ended),))

    def _done(self) -> Effect:
        return Done({"count": len(self.items), "results": list(self.results)})
