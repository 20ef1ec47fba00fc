"""A loop that needs only so many of its rounds: they are branches, as those of `parallel` are, so that the others may outlive the loop.

What it begins with is recorded as ``<loop>[]`` in the commit that starts the branches: the items, and the keys of the branches. A branch is called
as its round would be, ``<loop>[<n>]``. Entered again, the loop finds that record and waits for what it has started. A branch that has failed by the
end of the wait fails the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from engine.model.commands import AwaitTasks, CancelTasks, Fork, NewTask, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.foreach.items import Items, round_of
from engine.operators.kit.awaiting import FINAL, awaited, collect, note_excused
from engine.operators.kit.base import Asked, At, Done, Effect, Failed, GivenUp, Site, Step

MAX_BRANCHES = 1_000


class Need(NamedTuple):
    """How many rounds are needed, whether the others are cancelled, and the body's tasks in their author's order."""

    rounds: int
    cancels_rest: bool
    body: Sequence[str]


class NeedingStep(Step):
    """``keys``: the branch of each round, by its number."""

    __slots__ = ("keys", "need", "site", "source")

    def __init__(self, at: At, source: Items, need: Need, site: Site) -> None:
        super().__init__(at)
        self.source = source
        self.need = need
        self.site = site
        self.keys: dict[str, str] = {}

    def begin(self) -> Effect:
        recorded = self.at.recorded.get(self._decision_key)
        if recorded is not None:
            return self._wait(cast(dict[str, str], cast(JsonObject, recorded.result)["branches"]))
        items = self.source.evaluated(self.at)
        if self.need.rounds > len(items):
            message = f"{self.need.rounds} rounds are needed, and there are {len(items)} items"
            return Failed(StepError("input", message, "TooFewItems", retryable=False))
        keys = {str(index): f"{self.at.qualified_key}[{index}]" for index in range(len(items))}
        branches: JsonObject = dict(keys)
        begun: JsonObject = {"items": items, "fork": self.at.qualified_key, "branches": branches}
        self.at.emit(Record(self._decision_key, "foreach", "succeeded", begun))
        self.at.emit(
            Fork(self._decision_key, [self._branch(items, index, key) for index, key in enumerate(keys.values())])
        )
        return self._wait(keys)

    def resume(self, waiting: object) -> Effect:  # noqa: ARG002 - it waits already
        self.keys = cast(dict[str, str], cast(JsonObject, self.at.recorded[self._decision_key].result)["branches"])
        return Asked()

    def settle(self, fact: Fact) -> Effect:
        if not isinstance(fact, WaitOver):
            return super().settle(fact)
        ended = collect(self.at, fact, {f"round {name}": key for name, key in self.keys.items()}, fail_on_error=True)
        return self._done(fact) if isinstance(ended, Done) else ended

    def give_up(self) -> Effect:
        return GivenUp()  # its branches are cancelled with the task

    @property
    def _decision_key(self) -> str:
        return f"{self.at.key}[]"

    def _branch(self, items: Sequence[Json], index: int, key: str) -> NewTask:
        seen = self.at.names.closure(self.site.body_roots) | round_of(items, index).names
        return NewTask(key, "branch", list(self.site.path), context=seen, variables=dict(self.at.variables))

    def _wait(self, keys: dict[str, str]) -> Effect:
        self.keys = keys
        return Asked((AwaitTasks(self.at.key, list(keys.values()), self.need.rounds),))

    def _done(self, over: WaitOver) -> Done:
        tasks = awaited(over.payload)
        each = [tasks.get(key, {}) for key in self.keys.values()]
        is_over = [task.get("status") in FINAL for task in each]
        results: list[Json] = [
            self._last(task.get("result")) if done else None for task, done in zip(each, is_over, strict=True)
        ]
        others = [key for key, done in zip(self.keys.values(), is_over, strict=True) if not done]
        branches: JsonObject = dict(self.keys)
        result: JsonObject = {
            "count": len(each),
            "ended": cast(list[Json], [index for index, done in enumerate(is_over) if done]),
            "results": results,
            "fork": self.at.qualified_key,
            "branches": branches,
        }
        if not (self.need.cancels_rest and others):
            return Done(result, gate=True)
        note_excused(self.at, others)
        return Done(result, gate=True, then=(CancelTasks(self.at.key, others),))

    def _last(self, result: Json) -> Json:
        """The result of the body's last task that succeeded."""
        found = result if isinstance(result, dict) else {}
        return next((found[task_id] for task_id in reversed(self.need.body) if task_id in found), None)
