"""``foreach``: runs its body once per item. Result ``{"count": n, "results": [result of the body's last task per item]}``.

One that needs only some of its rounds also tells which have ended, and gives the fork data of its branches.
"""

from __future__ import annotations

from engine.language.definition import ForEach
from engine.operators.foreach.fixed import FixedStep
from engine.operators.foreach.growing import GrowingStep, Growth
from engine.operators.foreach.items import MAX_ROUNDS, Items, compile_items
from engine.operators.foreach.needing import MAX_BRANCHES, Need, NeedingStep
from engine.operators.kit.base import At, PlainOperator, Site, Step


class ForEachOperator(PlainOperator):
    __slots__ = ("growth", "items", "need", "parallel", "roots", "site")

    def __init__(self, definition: ForEach, site: Site) -> None:
        # Rounds of a parallel loop are all in memory at once.
        most = MAX_ROUNDS // len(definition.loop_body) if definition.parallel else MAX_ROUNDS
        most = MAX_BRANCHES if definition.needed is not None else most
        self.items = Items(compile_items(definition.items), most)
        self.roots = self.items.source.roots
        self.parallel = definition.parallel
        self.growth = Growth(definition.signal, definition.keeps_open) if definition.dynamic else None
        body = tuple(each.task_id for each in definition.loop_body)
        self.need = Need(definition.needed, definition.cancel_rest, body) if definition.needed is not None else None
        self.site = site

    @property
    def shares_rounds(self) -> bool:
        return not self.parallel

    @property
    def forks_rounds(self) -> bool:
        return self.need is not None

    def step(self, at: At) -> Step:
        if self.need is not None:
            return NeedingStep(at, self.items, self.need, self.site)
        if self.growth is None:
            return FixedStep(at, self.items, is_parallel=self.parallel)
        return GrowingStep(at, self.items, self.growth, is_parallel=self.parallel)
