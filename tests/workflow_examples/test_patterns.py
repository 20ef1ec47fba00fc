"""Every workflow pattern through the REST API; and the page that lists them."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from launch.commands import CHECKOUT
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.support.interleaving import problems
from tests.support.stack import Stack
from tests.workflow_examples.patterns.catalogue import QUANTITY, Pattern, patterns
from tests.workflow_examples.patterns.page import page
from tests.workflow_examples.patterns.play import PatternRun
from tests.workflow_examples.patterns.trace import differences
from tests.workflow_examples.side_by_side import play
from tests.workflow_examples.under_fire import author

pytestmark = pytest.mark.timeout(240)  # the first test waits for all runs

PATTERNS = patterns()


@pytest.fixture(scope="module")
def undisturbed(stack: Stack) -> dict[str, list[str]]:
    """What went wrong, by pattern, when all were run side by side by two workers."""
    stack.start_web()
    stack.start_worker()
    stack.start_worker()
    client = author(stack)
    runs = [PatternRun(client, pattern) for pattern in PATTERNS]
    play(runs, seconds=60)
    assert problems(stack.database.worker, grace_seconds=3) == []
    return {run.name: run.problems() for run in runs}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_a_pattern_leaves_the_trace_that_its_file_tells(pattern: Pattern, undisturbed: dict[str, list[str]]) -> None:
    assert undisturbed[pattern.id] == []


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
