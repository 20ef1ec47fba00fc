"""``parallel``: forks its branches and goes on at once. Result: the fork data ``{"fork": key, "branches": {name: task key}}``."""

from __future__ import annotations

from engine.language.definition import Parallel
from engine.model.json import Json
from engine.operators.kit.base import At, Done, Effect, PlainOperator, Site, Step
from engine.operators.kit.forking import fork_branches, forked_keys


class ParallelOperator(PlainOperator):
    __slots__ = ("names", "roots", "site")

    def __init__(self, definition: Parallel, site: Site) -> None:
        self.site = site
        self.names = tuple(definition.branch_workflows)
        self.roots: frozenset[str] = frozenset().union(*site.branch_roots.values())

    def step(self, at: At) -> Step:
        return _ParallelStep(at, self)

    def forked(self, result: Json) -> tuple[str, ...]:
        return forked_keys(result)


class _ParallelStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: ParallelOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        data, fork = fork_branches(self.at, self.operator.site, self.operator.names)
        return Done(data, then=(fork,))
