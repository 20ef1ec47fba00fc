"""``foreach``: runs its body once per item. Result ``{"count": n, "results": [result of the body's last task per item]}``."""

from __future__ import annotations

from engine.language.definition import ForEach
from engine.operators.foreach.fixed import FixedStep
from engine.operators.foreach.growing import GrowingStep, Growth
from engine.operators.foreach.items import MAX_ROUNDS, Items, compile_items
from engine.operators.kit.base import At, PlainOperator, Site, Step


class ForEachOperator(PlainOperator):
    __slots__ = ("growth", "items", "parallel", "roots")

    def __init__(self, definition: ForEach, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        # Rounds of a parallel loop are all in memory at once.
        most = MAX_ROUNDS // len(definition.loop_body) if definition.parallel else MAX_ROUNDS
        self.items = Items(compile_items(definition.items), most)
        self.roots = self.items.source.roots
        self.parallel = definition.parallel
        self.growth = Growth(definition.signal, definition.keeps_open) if definition.dynamic else None

    @property
    def shares_rounds(self) -> bool:
        return not self.parallel

    def step(self, at: At) -> Step:
        if self.growth is None:
            return FixedStep(at, self.items, is_parallel=self.parallel)
        return GrowingStep(at, self.items, self.growth, is_parallel=self.parallel)
