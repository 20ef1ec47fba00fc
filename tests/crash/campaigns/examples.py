"""Every example at once through the REST API, each with its own trace, while a worker is killed every second and replaced."""

from __future__ import annotations

import uuid

from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.support.databases import clone
from tests.support.interleaving import problems
from tests.support.stack import Stack
from tests.workflow_examples.under_fire import author, play_under_fire


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The examples, again and again until so many workers were killed."""
    folder = stage.folder / f"examples-{uuid.uuid4().hex[:6]}"
    folder.mkdir(parents=True)
    database = clone(stage.session, "platform")
    stack = Stack(database, folder)
    try:
        stack.start_web()
        players, killed = play_under_fire(stack, author(stack), quantity, tick)
        found = [f"{player.name}: {problem}" for player in players for problem in player.problems()]
        found += [f"I5 {problem}" for problem in problems(database.worker, grace_seconds=5)]
    finally:
        stack.stop()
        database.drop()
    return Tally(killed, found, {"runs": str(len(players)), "workers killed": str(killed)})
