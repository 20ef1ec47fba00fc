"""A problem is shown at the line that it is about."""

import pytest

from workflows.pages.places import placed
from workflows.sources import Problem

PYTHON = 'b = WorkflowBuilder("x")\nb.act()\nb.task("act", "tools.x")\n'
YAML = "name: x\ntasks:\n  act_two:\n    function: f\n  act:\n    function: f\n"


@pytest.mark.parametrize(
    ("path", "message", "source", "place"),
    [
        ("$.tasks.act.function", "unknown tool", PYTHON, (3, 9)),
        ("$.tasks.act.function", "unknown tool", YAML, (5, 3)),
        ("$.tasks['act'].function", "unknown tool", PYTHON, (3, 9)),
        ("$.tasks.nowhere", "unknown", PYTHON, (None, None)),
        ("$", "line 4, column 7: expected a comma", PYTHON, (4, 7)),
        ("$", "no name", PYTHON, (None, None)),
    ],
)
def test_the_place_is_found(path, message, source, place):
    found = placed(Problem(path, "code", message), source)
    assert (found.line, found.column) == place


def test_a_known_place_is_kept_and_a_told_one_is_not_said_twice():
    known = Problem("$.tasks.act", "code", "m", line=9, column=1)
    assert placed(known, PYTHON) is known
    assert placed(Problem("$", "code", "line 1, column 2: bad"), PYTHON).message == "bad"
