"""``multi_choice``: as parallel, for the branches whose condition holds; fewer than the minimum is a failure."""

from __future__ import annotations

from engine.language.definition import MultiChoice
from engine.language.expressions import parse_condition
from engine.model.errors import StepError
from engine.model.json import Json
from engine.operators.kit.base import At, Done, Effect, Failed, PlainOperator, Site, Step
from engine.operators.kit.forking import fork_branches, forked_keys


class MultiChoiceOperator(PlainOperator):
    __slots__ = ("conditions", "minimum", "roots", "site")

    def __init__(self, definition: MultiChoice, site: Site) -> None:
        self.site = site
        self.minimum = definition.minimum_branches
        self.conditions = {name: parse_condition(choice.condition) for name, choice in definition.branches.items()}
        own = frozenset().union(*(condition.roots for condition in self.conditions.values()))
        self.roots: frozenset[str] = own.union(*site.branch_roots.values())

    def step(self, at: At) -> Step:
        return _MultiChoiceStep(at, self)

    def forked(self, result: Json) -> tuple[str, ...]:
        return forked_keys(result)


class _MultiChoiceStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: MultiChoiceOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        names = self.at.names
        chosen = [name for name, condition in self.operator.conditions.items() if condition.holds(names)]
        if len(chosen) < self.operator.minimum:
            message = f"{len(chosen)} branches were chosen, at least {self.operator.minimum} must be"
            return Failed(StepError("branch", message, "TooFewBranches", retryable=False))
        data, fork = fork_branches(self.at, self.operator.site, chosen)
        return Done(data, then=(fork,) if fork.tasks else ())
