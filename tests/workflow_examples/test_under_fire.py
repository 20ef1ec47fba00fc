"""Every example, all at once through the REST API, each ends with its own trace although a worker is killed every second."""

from __future__ import annotations

import pytest

from tests.integration.api.client import Client
from tests.support.interleaving import problems
from tests.support.stack import Stack
from tests.workflow_examples.under_fire import author, examples, play_under_fire

pytestmark = pytest.mark.timeout(240)  # the first test waits for all runs

KILLS = 3
NAMES = [player.name for player in examples(Client(""))]
Played = dict[str, list[str]]  # what went wrong, by example


@pytest.fixture(scope="module")
def played(stack: Stack) -> Played:
    """All of them, again until there were some kills."""
    stack.start_web()
    players, killed = play_under_fire(stack, author(stack), KILLS)
    assert killed >= KILLS
    found: Played = {}
    for player in players:
        found.setdefault(player.name, []).extend(player.problems())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_example_leaves_its_trace_while_workers_are_killed(name: str, played: Played) -> None:
    assert played[name] == []


def test_nothing_is_left_behind(played: Played, stack: Stack) -> None:
    assert problems(stack.database.worker, grace_seconds=3) == []


def test_no_two_examples_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES) > 60
