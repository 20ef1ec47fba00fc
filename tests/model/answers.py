"""What must have become of the steps that asked people: each asked once, and was told what was decided, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from tests.model.asked import Asked
from tests.model.asking import Question
from tests.model.facts import Done, Facts
from tests.model.stages import places


def check_answers(
    facts: Facts, asked: Asked, family: Mapping[UUID, Facts], questions: Iterable[Question]
) -> Iterator[str]:
    """Every way in which what a run has asked and recorded is not what people said."""
    own = [one for one in questions if one.run_id == facts.run_id]
    for scope, key, stage in places(asked.workflow.stages):
        if stage.kind != "ask":
            continue
        place = (scope, key)
        here = [one for one in own if one.place == place]
        yield from (f"the step {place} is over, and its question {one} is not" for one in here if one.is_open)
        if facts.is_copied(place):
            yield from _check_copied(facts, family, place, here)
            continue
        if len(here) > asked.restarts + 1:
            yield f"the step {place} has asked {len(here)} times, and was restarted {asked.restarts} times"
        yield from _check_told(facts.done.get(place), here, completed=facts.status == "completed")


def _check_copied(
    facts: Facts, family: Mapping[UUID, Facts], place: tuple[str, str], here: list[Question]
) -> Iterator[str]:
    """A fork keeps what was decided before it, and asks nobody again."""
    if here:
        yield f"the step {place} was copied, and asks again: {here}"
    source = family[facts.fork_of].done.get(place) if facts.fork_of else None
    if source is not None and source.result != facts.done[place].result:
        yield f"the step {place} was told {source.result}, and in the fork {facts.done[place].result}"


def _check_told(done: Done | None, here: list[Question], *, completed: bool) -> Iterator[str]:
    """The step was told of the last question, if it was told anything."""
    last = here[-1] if here else None
    if done is None or done.outcome == "skipped":
        if last is not None and completed:
            yield f"the run went on without an answer to {last}"
    elif last is None or last.state in ("pending", "withdrawn"):
        yield f"{done.key} {done.outcome} with {done.result}, and nobody has decided: {last}"
    elif _told(done) != last.told():
        yield f"{done.key} was told {_told(done)}, and decided was {last.told()}"


def _told(done: Done) -> tuple[str, Any]:
    if done.outcome == "failed":
        return done.outcome, (done.error or {}).get("kind")
    shown = {name: value for name, value in done.result.items() if name != "timestamp"}
    votes = [{name: vote[name] for name in ("stage", "by", "vote")} for vote in shown["votes"]]
    return done.outcome, shown | {"votes": votes}
