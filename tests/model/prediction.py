"""Which steps a run makes, and how each ends: from its workflow, and from what is recorded of everything that came from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.model.definitions import CHAIN, UNDER
from tests.model.facts import Facts
from tests.model.stages import Stage, Workflow, qualified

Outcome = Literal["succeeded", "failed"]


@dataclass(frozen=True)
class Step:
    """One step that is expected: how it ends, after how many attempts, and how often undoing it would fail (None: nothing to undo)."""

    scope: str
    key: str
    outcome: Outcome
    attempts: int = 1
    undo: int | None = None


class Prediction:
    """The steps of a run in the order in which one scope makes them, as far as is known, and whether the run succeeds, and goes on as another then.

    ``children``: the last runs of what it has started, by key.
    """

    def __init__(self, facts: Facts, workflow: Workflow, children: Mapping[str, Facts]) -> None:
        self._facts = facts
        self._children = children
        self.scopes: dict[str, list[Step]] = {}
        self.goes_on = workflow.goes_on and facts.inputs.get("round", 0) < CHAIN
        self.success = self._chain(workflow.stages, "", "s")

    def steps(self) -> dict[tuple[str, str], Step]:
        """All expected steps by scope and key."""
        return {(step.scope, step.key): step for steps in self.scopes.values() for step in steps}

    def _chain(self, stages: tuple[Stage, ...], scope: str, prefix: str) -> bool | None:
        """True: it succeeds, False: it fails, None: not known, because nothing is recorded of something from outside."""
        made = self.scopes.setdefault(scope, [])
        for place, stage in enumerate(stages):
            for step in self._stage(stage, scope, f"{prefix}{place}"):
                if step is None:
                    return None
                made.append(step)
                if step.outcome == "failed":
                    return False
        return self._activities(stages, scope, prefix)

    def _activities(self, stages: tuple[Stage, ...], scope: str, prefix: str) -> bool | None:
        """How the activities of the chain went that no step answers for: the end of their task waits for them, unless it goes on as another."""
        if self.goes_on and not scope:
            return True
        keys = [qualified(scope, f"{prefix}{place}") for place, stage in enumerate(stages) if stage.kind == "act"]
        ended = [self._facts.forked[key].state if key in self._facts.forked else "" for key in keys]
        if any(state in ("failed", "cancelled") for state in ended):
            return False
        return True if all(state == "completed" for state in ended) else None

    def _stage(self, stage: Stage, scope: str, key: str) -> Iterator[Step | None]:
        match stage.kind:
            case "do":
                yield self._tried(stage, scope, key)
            case "count" | "timer":
                yield Step(scope, key, "succeeded", undo=stage.undo)
            case "hear" | "take":
                yield self._from_outside(scope, key)
            case "update":
                yield self._from_outside(scope, key)
                yield Step(scope, f"{key}r", "succeeded")
            case "choice":
                yield Step(scope, f"{key}{stage.name}", "succeeded")
                yield Step(scope, f"{key}m", "succeeded")
            case "ask":
                yield from self._decided(scope, key)
            case "fork":
                yield self._join(stage, scope, key)
            case "child":
                yield self._child(scope, key)
            case "act":
                yield from self._activity(stage, scope, key)
            case "guard":
                yield self._from_outside(scope, key)
                yield self._tried(stage, scope, f"{key}{UNDER}{stage.name}")
                yield Step(scope, f"{key}r", "succeeded")
            case "again" if not self.goes_on:
                yield Step(scope, f"{key}m", "succeeded")

    @staticmethod
    def _tried(stage: Stage, scope: str, key: str) -> Step:
        failing = stage.fails > stage.retries
        attempts = stage.retries + 1 if failing else stage.fails + 1
        return Step(scope, key, "failed" if failing else "succeeded", attempts, stage.undo)

    def _from_outside(self, scope: str, key: str) -> Step | None:
        done = self._facts.done.get((scope, key))
        return Step(scope, key, done.outcome) if done and done.outcome != "skipped" else None  # type: ignore[arg-type]

    def _decided(self, scope: str, key: str) -> Iterator[Step | None]:
        """What was decided (see `answers`) chooses a side."""
        yield self._from_outside(scope, key)
        side = "yes" if self._facts.done[scope, key].result["approved"] else "no"
        yield Step(scope, f"{key}{side}", "succeeded")
        yield Step(scope, f"{key}m", "succeeded")

    def _join(self, stage: Stage, scope: str, key: str) -> Step | None:
        ends = [
            self._chain(inner, f"{qualified(scope, key)}.b{number}", "i") for number, inner in enumerate(stage.lists)
        ]
        if None in ends:
            return None
        return Step(scope, f"{key}j", "succeeded" if all(ends) else "failed")

    def _child(self, scope: str, key: str) -> Step | None:
        child = self._children.get(f"{qualified(scope, key)}.child")
        if child is None:
            return None
        return Step(scope, key, "succeeded" if child.status == "completed" else "failed")

    def _activity(self, stage: Stage, scope: str, key: str) -> Iterator[Step | None]:
        """The activity makes its one step, unless it is ended from outside; how it ended, its run hears one way or the other."""
        name = qualified(scope, key)
        yield Step(scope, key, "succeeded")
        activity = self._facts.forked.get(name)
        expected = self._tried(stage, name, key)
        if activity is not None and (
            (activity.state != "cancelled" and not activity.limit) or (name, key) in self._facts.done
        ):
            self.scopes[name] = [expected]
        heard = self._from_outside(scope, f"{key}w")
        if heard is not None and stage.name == "step":
            ended_well = activity is not None and activity.state == "completed"
            heard = Step(scope, heard.key, "succeeded" if ended_well else "failed")
        yield heard
