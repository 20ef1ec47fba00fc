"""What must have become of a run: plain Python, no SQL, no engine.

A run is a chain of stages. What came from outside (whether an event was in time, how a child ended) the model takes from what is recorded and
proves it by the times; all the rest follows from the workflow and from the commands, and is compared step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from tests.model.facts import Done, Facts
from tests.model.stages import PERMANENT, Stage, Workflow, child_of

COMPARED = ("task", "wait", "wait_for_event")  # operators; the decisions between them are the interpreter's own
ENDED = ("completed", "failed", "cancelled", "compensated")
Outcome = Literal["succeeded", "failed"]


@dataclass
class Asked:
    """What the commands did to one run. ``flow``: how it met others; ``stops``: the status that it had after each accepted request to stop."""

    workflow: Workflow
    delay: float = 0
    flow: str = ""
    stops: list[str] = field(default_factory=list)
    killed: bool = False
    restarts: int = 0
    emitted: dict[str, Any] = field(default_factory=dict)  # payload of the accepted, first emit from outside
    sent: dict[str, list[Any]] = field(default_factory=dict)

    def restarted(self) -> None:
        """It goes on as if nobody had stopped it."""
        self.stops, self.killed, self.restarts = [], False, self.restarts + 1
        self.delay = 0  # a restart is now


@dataclass(frozen=True)
class Step:
    """One step that is expected: how it ends, after how many attempts, and how often undoing it would fail (None: nothing to undo)."""

    scope: str
    key: str
    outcome: Outcome
    attempts: int = 1
    undo: int | None = None


class Prediction:
    """The steps of a run in the order in which one scope makes them, as far as is known, and whether the run succeeds."""

    def __init__(self, facts: Facts, workflow: Workflow, children: dict[str, Facts]) -> None:
        self._facts = facts
        self._children = children
        self.scopes: dict[str, list[Step]] = {}
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
        return True

    def _stage(self, stage: Stage, scope: str, key: str) -> Iterator[Step | None]:
        match stage.kind:
            case "do":
                failing = stage.fails > stage.retries
                attempts = stage.retries + 1 if failing else stage.fails + 1
                yield Step(scope, key, "failed" if failing else "succeeded", attempts, stage.undo)
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
            case "fork":
                yield self._join(stage, scope, key)
            case "child":
                yield self._child(scope, key)

    def _from_outside(self, scope: str, key: str) -> Step | None:
        done = self._facts.done.get((scope, key))
        return Step(scope, key, done.outcome) if done and done.outcome != "skipped" else None  # type: ignore[arg-type]

    def _join(self, stage: Stage, scope: str, key: str) -> Step | None:
        place = f"{scope}/{key}" if scope else key
        ends = [self._chain(inner, f"{place}.b{number}", "i") for number, inner in enumerate(stage.lists)]
        if None in ends:
            return None
        return Step(scope, f"{key}j", "succeeded" if all(ends) else "failed")

    def _child(self, scope: str, key: str) -> Step | None:
        child = self._children.get(f"{scope}/{key}.child" if scope else f"{key}.child")
        if child is None:
            return None
        return Step(scope, key, "succeeded" if child.status == "completed" else "failed")


def check_run(facts: Facts, everybody: dict[UUID, Asked], family: dict[UUID, Facts]) -> Iterator[str]:
    """Every way in which the run is not what it must be."""
    asked = everybody[facts.run_id]
    children = {child.parent_key or "": child for child in family.values() if child.parent_run_id == facts.run_id}
    prediction = Prediction(facts, asked.workflow, children)
    expected = prediction.steps()
    made = {
        place: done
        for place, done in facts.done.items()
        if done.operator in COMPARED and done.outcome != "skipped" and not done.key.endswith("@undo")
    }
    parent = family.get(facts.parent_run_id) if facts.parent_run_id else None
    stopped = bool(asked.stops) or (parent is not None and parent.status != "completed")
    complete = not stopped and not _past_deadline(facts, asked) and not facts.was_killed
    yield from _compare_steps(made, expected, prediction, complete=complete)
    if not asked.restarts:
        yield from _compare_attempts(facts, expected)
    whole = made.keys() == expected.keys()
    success = prediction.success if whole else None
    undone = [expected[place].undo for place in expected if place in made and _registers(expected[place])]
    allowed = {"cancelled"} if facts.was_killed else set(_statuses(facts, asked, undone, success, stopped=stopped))
    if facts.status not in allowed:
        yield f"it is {facts.status}, and may be {sorted(allowed)}"
    if facts.was_killed != _is_killed(facts, everybody, family):
        yield f"it ended with {facts.error}, and it was {'' if asked.killed else 'not '}killed"
    yield from _check_undo(facts, expected)
    yield from _check_times(facts, asked)


def _registers(step: Step) -> bool:
    return step.undo is not None and step.outcome == "succeeded"


def _is_killed(facts: Facts, everybody: dict[UUID, Asked], family: dict[UUID, Facts]) -> bool:
    """It was killed itself, or was open when a run above it was."""
    if everybody[facts.run_id].killed:
        return True
    above = family.get(facts.parent_run_id) if facts.parent_run_id else None
    return facts.was_killed and above is not None and _is_killed(above, everybody, family)


def _statuses(
    facts: Facts, asked: Asked, undone: list[int | None], success: bool | None, *, stopped: bool
) -> Iterator[str]:
    """How a run may end that was not killed. ``success``: how it goes when it is not stopped; None: it did not come so far."""
    if stopped:
        yield _unsuccessful("cancelled", undone)
    if late := _past_deadline(facts, asked):
        yield _unsuccessful("failed", undone)
    if success and (
        not asked.stops or late or "running" in asked.stops
    ):  # else nobody was executing it when it was stopped
        yield "completed"
    if success is False and not asked.stops:
        yield _unsuccessful("failed", undone)


def _unsuccessful(without: str, undone: list[int | None]) -> str:
    if not undone:
        return without
    return "failed" if PERMANENT in undone else "compensated"


def _past_deadline(facts: Facts, asked: Asked) -> bool:
    limit = timedelta(seconds=0 if asked.restarts else asked.workflow.deadline + asked.delay)  # a restart moves it
    return bool(asked.workflow.deadline and facts.finished_at and facts.finished_at - facts.created_at >= limit)


def _compare_steps(
    made: dict[tuple[str, str], Done], expected: dict[tuple[str, str], Step], prediction: Prediction, *, complete: bool
) -> Iterator[str]:
    for place, done in made.items():
        if place not in expected:
            yield f"step {place} was made, and nothing leads to it"
        elif (done.outcome, done.attempt) != (expected[place].outcome, expected[place].attempts):
            yield f"step {place} {done.outcome} at attempt {done.attempt}, and must have been {expected[place]}"
    for scope, steps in prediction.scopes.items():
        there = [(step.scope, step.key) in made for step in steps]
        if complete and not all(there):
            yield f"steps are missing in {scope!r}: {[step.key for step in steps if (step.scope, step.key) not in made]}"
        if sorted(there, reverse=True) != there:
            yield f"a step in {scope!r} was made before one that it depends on: {there}"


def _compare_attempts(facts: Facts, expected: dict[tuple[str, str], Step]) -> Iterator[str]:
    for place, failures in facts.failed_attempts.items():
        done = facts.done.get(place)
        if done and done.operator in COMPARED and failures != done.attempt - 1:
            yield f"step {place} took {done.attempt} attempts, and {failures} failures are written down"
        if place in expected and failures > expected[place].attempts - 1:
            yield f"step {place} was tried again too often: {failures + 1}"


def _check_undo(facts: Facts, expected: dict[tuple[str, str], Step]) -> Iterator[str]:
    registered = {
        place
        for place, done in facts.done.items()
        if done.outcome == "succeeded" and place in expected and expected[place].undo is not None
    }
    if set(facts.undo) != registered:
        yield f"registered to be undone is {sorted(facts.undo)}, and done was {sorted(registered)}"
    made = sorted(
        (done for done in facts.done.values() if done.operator == "undo" or done.key.endswith("@undo")),
        key=lambda done: done.seq,
    )
    keys = [f"{scope}/{key}@undo" if scope else f"{key}@undo" for scope, key in reversed(facts.undo)]
    if facts.status == "completed":
        keys = []
    if facts.was_killed:
        keys = keys[: len(made)]  # it was undoing, and did not come to the end
    if [done.key for done in made] != keys:
        yield f"undone was {[done.key for done in made]}, and must have been {keys}"
    order = [facts.done[place].seq for place in facts.undo if place in facts.done]
    if order != sorted(order):
        yield "what is to be undone is not registered in the order in which it was done"


def _check_times(facts: Facts, asked: Asked) -> Iterator[str]:
    for scope, key, stage in _places(asked.workflow.stages, "", "s"):
        done = facts.done.get((scope, key))
        if done is None or done.outcome == "skipped":
            continue
        early = done.finished_at < done.started_at + timedelta(seconds=stage.seconds)
        if stage.kind == "timer" and early:
            yield f"the timer {key} was early"
        if stage.kind in ("hear", "take", "update") and done.outcome == "failed" and (early or not stage.seconds):
            yield f"the wait {key} gave up too early"
        if stage.kind == "hear":
            yield from _check_event(facts, stage, done)
    for done in facts.done.values():
        if done.started_at < facts.created_at + timedelta(seconds=asked.delay) and done.outcome != "skipped":
            yield f"step {done.key} began before the delay was over"


def _check_event(facts: Facts, stage: Stage, done: Done) -> Iterator[str]:
    event = facts.events.get(stage.name)
    if done.outcome == "succeeded" and (event is None or event["payload"] != done.result):
        yield f"{done.key} heard {done.result}, and the event is {event and event['payload']}"
    if done.outcome == "failed" and event and event["at"] < done.started_at + timedelta(seconds=stage.seconds):
        yield f"{done.key} missed an event that was in time"


def check_messages(facts: Facts, asked: Asked) -> Iterator[str]:
    """Events: the first wins. Signals: each is taken once, in order."""
    for name, payload in asked.emitted.items():
        if name not in facts.events or facts.events[name]["payload"] != payload:
            yield f"the event {name} is {facts.events.get(name)}, and the first emit was accepted with {payload}"
    for name in {signal["name"] for signal in facts.signals} | asked.sent.keys():
        inbox = [signal for signal in facts.signals if signal["name"] == name]
        if [signal["payload"] for signal in inbox] != asked.sent.get(name, []):
            yield f"the inbox of {name} is not what was sent"
        taken = [signal["taken_by"] is not None for signal in inbox]
        if sorted(taken, reverse=True) != taken:
            yield f"signals {name} were taken out of order: {taken}"
    receivers: dict[tuple[str, str], list[int]] = {}
    for scope, key, stage in _places(asked.workflow.stages, "", "s"):
        done = facts.done.get((scope, key))
        if stage.kind == "take" and done and done.outcome == "succeeded":
            receivers.setdefault((scope, stage.name), []).append(done.result["seq"])
    heard = [seq for seqs in receivers.values() for seq in seqs]
    if len(heard) != len(set(heard)):
        yield "a signal was taken twice"
    if any(seqs != sorted(seqs) for seqs in receivers.values()):
        yield f"signals came out of order: {receivers}"


def _places(stages: tuple[Stage, ...], scope: str, prefix: str) -> Iterator[tuple[str, str, Stage]]:
    for place, stage in enumerate(stages):
        key = f"{prefix}{place}"
        yield scope, key, stage
        if stage.kind == "fork":
            inside = f"{scope}/{key}" if scope else key
            for number, inner in enumerate(stage.lists):
                yield from _places(inner, f"{inside}.b{number}", "i")


def workflow_of_child(parent: Workflow, parent_key: str) -> Workflow:
    """The workflow of a child run, by the key under which its parent knows it."""
    for scope, key, stage in _places(parent.stages, "", "s"):
        if stage.kind == "child" and parent_key == (f"{scope}/{key}.child" if scope else f"{key}.child"):
            return child_of(stage)
    raise AssertionError(f"the parent starts no child {parent_key}")
