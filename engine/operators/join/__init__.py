"""``join``: checks the outcome of named tasks of its graph. Result ``{task: {"status", "result"}}``.

all_of waits for all and is content with any outcome; any_of is content with the first that ends; all_success fails if one failed;
one_success waits for a success and fails when there is none. Skipped tasks count neither way: when all were skipped, so is the join.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.language.definition import Join
from engine.model.errors import StepError
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import At, Done, Effect, Failed, Outcome, PlainOperator, Site, Step

ABSORBING = frozenset({"all_of", "any_of", "one_success"})
Readiness = Literal["wait", "run", "skip"]
_STATUS = {"succeeded": "completed", "failed": "failed", "skipped": "skipped"}


def readiness(mode: str, states: Sequence[str]) -> Readiness:
    """Whether a join over tasks in these states (succeeded, failed, skipped, open) can be decided."""
    if mode == "any_of" and ("succeeded" in states or "failed" in states):
        return "run"
    if mode == "one_success" and "succeeded" in states:
        return "run"
    if "open" in states:
        return "wait"
    return "skip" if all(state == "skipped" for state in states) else "run"


class JoinOperator(PlainOperator):
    __slots__ = ("mode", "named", "roots")

    def __init__(self, definition: Join, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.mode = definition.join_mode
        self.named = tuple(definition.join_tasks)
        self.roots: frozenset[str] = frozenset()

    def step(self, at: At) -> Step:
        return _JoinStep(at, self)


class _JoinStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: JoinOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        known = self.at.outcomes()
        outcomes = {name: known.get(name, Outcome("open")) for name in self.operator.named}
        failed = [name for name, outcome in outcomes.items() if outcome.state == "failed"]
        succeeded = any(outcome.state == "succeeded" for outcome in outcomes.values())
        mode = self.operator.mode
        if (mode == "all_success" and failed) or (mode == "one_success" and not succeeded):
            return Failed(StepError("branch", f"{', '.join(failed)} failed", "JoinFailed", retryable=False))
        shown: JsonObject = {name: _shown(outcome) for name, outcome in outcomes.items()}
        return Done(shown)


def _shown(outcome: Outcome) -> Json:
    return {"status": _STATUS.get(outcome.state, "running"), "result": outcome.result}
