"""Every workflow pattern through the REST API, undisturbed and with a worker killed every two seconds; and the page that lists them."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from launch.commands import CHECKOUT
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.support.interleaving import problems
from tests.support.killing import killing
from tests.support.stack import Stack
from tests.workflow_examples.patterns.catalogue import QUANTITY, Pattern, patterns
from tests.workflow_examples.patterns.page import page
from tests.workflow_examples.patterns.play import Player, play
from tests.workflow_examples.patterns.trace import differences

pytestmark = pytest.mark.timeout(240)  # the first test of each play waits for all runs

PATTERNS = patterns()
KILLS = 3
Played = dict[str, list[str]]  # what went wrong, by pattern

each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)


@pytest.fixture(scope="module")
def author(stack: Stack) -> Client:
    """Somebody who may write and run workflows, on a platform with two workers."""
    stack.start_web()
    stack.start_worker()
    stack.start_worker()
    stack.manage("create_tenant", "acme")
    return Client(stack.url, make_key(stack, "acme", "--role", "workflow_author"))


@pytest.fixture(scope="module")
def undisturbed(author: Client, stack: Stack) -> Played:
    """All patterns, run side by side."""
    return _told(play(author, PATTERNS, seconds=60), stack)


@pytest.fixture(scope="module")
def under_fire(author: Client, stack: Stack) -> Played:
    """The same while a worker is killed every two seconds, again until there were some kills."""
    stack.start_worker()
    players: list[Player] = []
    with killing(stack.workers, stack.introduced, stack.kill_worker, stack.start_worker, every_seconds=2) as kills:
        while len(kills) < KILLS:
            players += play(author, PATTERNS, seconds=90)
    return _told(players, stack)


def _told(players: list[Player], stack: Stack) -> Played:
    stuck = problems(stack.database.worker, grace_seconds=3)
    assert stuck == []
    found: Played = {}
    for player in players:
        found.setdefault(player.pattern.id, []).extend(player.problems())
    return found


@each_pattern
def test_a_pattern_leaves_the_trace_that_its_file_tells(pattern: Pattern, undisturbed: Played) -> None:
    assert undisturbed[pattern.id] == []


@each_pattern
def test_a_pattern_leaves_its_trace_while_workers_are_killed(pattern: Pattern, under_fire: Played) -> None:
    assert under_fire[pattern.id] == []


def test_every_pattern_has_its_file() -> None:
    assert [pattern.number for pattern in PATTERNS] == list(range(1, QUANTITY + 1))
    assert [pattern.definition["name"] for pattern in PATTERNS] == [pattern.id for pattern in PATTERNS]


def test_a_file_is_what_a_user_would_send() -> None:
    """It needs nothing but the builder, and the sandbox makes of it what we run here."""
    for pattern in PATTERNS:
        imports = [
            node for node in ast.walk(ast.parse(pattern.source)) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert [getattr(node, "module", None) for node in imports] == ["highway_dsl"], pattern.id
    longest = max(PATTERNS, key=lambda pattern: len(pattern.source))
    assert compile_python(longest.source, BubblewrapSandbox()) == Compiled(longest.definition)


def test_the_page_of_the_patterns_is_made_from_their_files() -> None:
    assert (CHECKOUT / "docs" / "patterns.md").read_text() == page()


RUN = {"status": "completed", "error_details": None, "result": {"count": {"value": 2}}}
STEPS = [
    {"task_id": name, "step_name": name, "scope": "", "status": status}
    for name, status in (("in", "succeeded"), ("in", "succeeded"), ("out", "succeeded"), ("late", "skipped"))
]


@pytest.mark.parametrize(
    "expected",
    [
        {"ends": "failed"},
        {"done": ["in"]},
        {"never": ["out"]},
        {"skipped": ["out"]},
        {"order": [["out", "in"]]},
        {"order": [["out", "in 2"]]},
        {"order": [["in", "nowhere"]]},
        {"apart": [["in", "out"]]},
        {"result": {"count.value": 3}},
    ],
)
def test_every_difference_from_a_trace_is_told(expected: dict[str, Any]) -> None:
    assert differences({"done": ["in", "in", "out"], "order": [["in", "out"], ["in 1", "in 2"]]}, RUN, STEPS) == []
    assert len(differences(expected, RUN, STEPS)) == 1


def test_what_a_lock_should_have_kept_apart_is_told() -> None:
    order = ["a_in", "b_in", "a_out", "b_out"]
    steps = [{"task_id": name, "step_name": name, "scope": "", "status": "succeeded"} for name in order]
    apart = {"apart": [["a_in", "a_out"], ["b_in", "b_out"]]}
    assert len(differences(apart, RUN, steps)) == 1
    assert differences(apart, RUN, [steps[0], steps[2], steps[1], steps[3]]) == []
