"""What must have become of a run: plain Python, no SQL, no engine.

A run is a chain of stages. What came from outside (whether an event was in time, how a child ended) the model takes from what is recorded and
proves it by the times; all the rest follows from the workflow and from the commands, and is compared step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from tests.model.asked import Asked
from tests.model.facts import Done, Facts
from tests.model.prediction import Prediction, Step
from tests.model.stages import PERMANENT, Stage, places, qualified

COMPARED = (
    "task",
    "wait",
    "wait_for_event",
    "activity",
)  # operators; the decisions between them are the interpreter's own
ENDED = ("completed", "failed", "cancelled", "compensated")


def check_run(facts: Facts, everybody: dict[UUID, Asked], family: dict[UUID, Facts]) -> Iterator[str]:
    """Every way in which the run is not what it must be."""
    asked = everybody[facts.run_id]
    prediction = Prediction(facts, asked.workflow, _children(facts, family))
    expected = prediction.steps()
    made = {
        place: done
        for place, done in facts.done.items()
        if done.operator in COMPARED and done.outcome != "skipped" and not done.key.endswith("@undo")
        # What a fork has copied may stand behind a lock that it has still to take for itself.
        if place in expected or not facts.is_copied(place)
    }
    parent = family.get(facts.parent_run_id) if facts.parent_run_id else None
    stopped = bool(asked.stops) or (parent is not None and parent.status != "completed")
    complete = not stopped and not _past_deadline(facts, asked) and not facts.was_killed
    yield from _compare_steps(made, expected, prediction, complete=complete)
    if not asked.restarts:
        yield from _compare_attempts(facts, expected)
    whole = made.keys() == expected.keys()
    success = prediction.success if whole else None
    undone = [expected[place].undo for place in _registered(facts, expected)]
    allowed = {"cancelled"} if facts.was_killed else set(_statuses(facts, asked, undone, success, stopped=stopped))
    if facts.status not in allowed:
        yield f"it is {facts.status}, and may be {sorted(allowed)}"
    if facts.was_killed != _is_killed(facts, everybody, family):
        yield f"it ended with {facts.error}, and it was {'' if asked.killed else 'not '}killed"
    yield from _check_undo(facts, expected)
    yield from _check_times(facts, asked)
    yield from _check_activities(facts, asked, prediction, complete=complete)
    yield from _check_chain(facts, asked, family, goes_on=prediction.goes_on)


def _children(facts: Facts, family: dict[UUID, Facts]) -> dict[str, Facts]:
    """The last runs of what the run has started, by key; of steps that a fork has copied, what the other run has started."""
    found = {child.parent_key or "": child for child in family.values() if child.parent_run_id == facts.run_id}
    if facts.fork_of is None:
        return found
    copied = {f"{qualified(scope, key)}.child" for scope, key in facts.done if facts.is_copied((scope, key))}
    others = _children(family[facts.fork_of], family)
    return {key: child for key, child in others.items() if key in copied} | found


def _registered(facts: Facts, expected: dict[tuple[str, str], Step]) -> set[tuple[str, str]]:
    """What the run has to undo when it does not succeed: what a fork has copied is the other run's to undo."""
    return {
        place
        for place, done in facts.done.items()
        if done.outcome == "succeeded"
        and place in expected
        and expected[place].undo is not None
        and not facts.is_copied(place)
    }


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
        done = None if facts.is_copied(place) else facts.done.get(place)
        if done and done.operator in COMPARED and failures != done.attempt - 1:
            yield f"step {place} took {done.attempt} attempts, and {failures} failures are written down"
        if place in expected and failures > expected[place].attempts - 1:
            yield f"step {place} was tried again too often: {failures + 1}"


def _check_undo(facts: Facts, expected: dict[tuple[str, str], Step]) -> Iterator[str]:
    registered = _registered(facts, expected)
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
    for scope, key, stage in places(asked.workflow.stages):
        done = facts.done.get((scope, key))
        if done is None or done.outcome == "skipped":
            continue
        early = done.finished_at < done.started_at + timedelta(seconds=stage.seconds)
        if stage.kind == "timer" and early:
            yield f"the timer {key} was early"
        if (
            stage.kind in ("hear", "take", "update", "guard")
            and done.outcome == "failed"
            and (early or not stage.seconds)
        ):
            yield f"the wait {key} gave up too early"
        if stage.kind == "hear":
            yield from _check_event(facts, stage, done)
    for place, done in facts.done.items():
        begun = facts.created_at + timedelta(seconds=asked.delay)
        if done.started_at < begun and done.outcome != "skipped" and not facts.is_copied(place):
            yield f"step {done.key} began before the delay was over"


def _check_event(facts: Facts, stage: Stage, done: Done) -> Iterator[str]:
    event = facts.events.get(stage.name)
    if done.outcome == "succeeded" and (event is None or event["payload"] != done.result):
        yield f"{done.key} heard {done.result}, and the event is {event and event['payload']}"
    if done.outcome == "failed" and event and event["at"] < done.started_at + timedelta(seconds=stage.seconds):
        yield f"{done.key} missed an event that was in time"


def _check_activities(facts: Facts, asked: Asked, prediction: Prediction, *, complete: bool) -> Iterator[str]:
    went_well = all(step.outcome == "succeeded" for step in prediction.scopes[""])
    for scope, key, stage in places(asked.workflow.stages):
        activity = facts.forked.get(qualified(scope, key)) if stage.kind == "act" else None
        if activity is None:
            continue
        limit = timedelta(seconds=stage.seconds)
        if activity.limit and (
            not stage.seconds or activity.finished_at is None or activity.finished_at < activity.created_at + limit
        ):
            yield f"the activity {key} broke its limit {activity.limit} too early"
        may_be_cancelled = scope or prediction.goes_on or not went_well or not complete or key in asked.withdrawn
        if activity.state == "cancelled" and not may_be_cancelled:
            yield f"the activity {key} was cancelled by nobody"


def _check_chain(facts: Facts, asked: Asked, family: dict[UUID, Facts], *, goes_on: bool) -> Iterator[str]:
    """A run has the inputs that it was given last, and is continued when its workflow says so."""
    if facts.inputs != asked.inputs:
        yield f"its inputs are {facts.inputs}, and it was given {asked.inputs}"
    number = facts.inputs.get("round", 0)
    continues = goes_on and facts.status == "completed"
    following = family.get(facts.continued_to) if facts.continued_to else None
    if continues != (following is not None):
        yield f"it is {facts.status} as number {number} of its chain, and is followed by {facts.continued_to}"
    if following is not None and following.inputs != {"round": number + 1}:
        yield f"number {number} of the chain is followed by one with {following.inputs}"
