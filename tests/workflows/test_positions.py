"""A problem is shown at the line that it is about."""

from __future__ import annotations

import json
import random
import time

import pytest
import yaml

from workflows.positions.json_text import json_positions
from workflows.positions.paths import Path, parts_of
from workflows.positions.placing import MAX_CHARACTERS, place
from workflows.positions.yaml_text import yaml_positions
from workflows.sources import Problem

PYTHON = """b = WorkflowBuilder("x")
b.act()
b.task("first", "tools.x", on_failure_task_id="act")
b.task("act", "tools.x")
b.foreach("each", "{{a}}", lambda w: w.task(task_id='inner', function="tools.x"))
b.set_schedule("nonsense")
b.task("given", "tools.x",
       kwargs={"x": 1}, env={"A": "{{b}}"},
       dependencies=["nobody"]).retry(max_retries=-1)
b.task("last", "tools.y", args = ["{{c}}"])
"""
YAML = """name: x
tasks:
  act_two:
    function: f
  act:
    function: f
    dependencies: [one, "two"]
    loop_body:
    - task_id: inner
      function: g
  'a b':
    function: f
"""
JSON = """{
  "name": "x\\"}{",
  "tasks": {"act": {"function": "f",
      "dependencies": ["one",
                       "two"], "empty": [], "also": {},
      "loop_body": [{"task_id": "inner"}, {"task_id": "other"}]},
    "a \\"b": {"function": 5}}
}
"""


@pytest.mark.parametrize(
    ("source", "form", "path", "place_of_it"),
    [
        (PYTHON, "python", "$.tasks.act.function", (4, 9)),
        (PYTHON, "python", "$.tasks['act'].function", (4, 9)),
        (PYTHON, "python", "$.tasks.each.loop_body[0].function", (5, 12)),
        (PYTHON, "python", "$.tasks.fork.branch_workflows.left.tasks.inner.function", (5, 62)),
        (PYTHON, "python", "$.tasks.nowhere", (None, None)),
        (PYTHON, "python", "$.schedule", (6, 3)),
        (PYTHON, "python", "$.name", (1, 5)),
        (PYTHON, "python", "$.tasks.given.dependencies[0]", (9, 8)),
        (PYTHON, "python", "$.tasks.given.kwargs.env.A", (8, 25)),
        (PYTHON, "python", "$.tasks.given.kwargs.x", (8, 8)),
        (PYTHON, "python", "$.tasks.given.retry_policy.max_retries", (9, 39)),
        (PYTHON, "python", "$.tasks.given.args[0]", (7, 9)),
        (PYTHON, "python", "$.tasks.last.args[0]", (10, 27)),
        (PYTHON, "python", "$", (None, None)),
        (YAML, "yaml", "$.tasks.act.function", (6, 15)),
        (YAML, "yaml", "$.tasks.act.dependencies[1]", (7, 25)),
        (YAML, "yaml", "$.tasks.act.loop_body[0].function", (10, 17)),
        (YAML, "yaml", "$.tasks.act", (5, 3)),
        (YAML, "yaml", "$.tasks.act.args", (5, 3)),
        (YAML, "yaml", '$.tasks["a b"].function', (12, 15)),
        (YAML, "yaml", "$.start_task", (1, 1)),
        (JSON, "json", "$.name", (2, 11)),
        (JSON, "json", "$.tasks.act.function", (3, 33)),
        (JSON, "json", "$.tasks.act.dependencies[1]", (5, 24)),
        (JSON, "json", "$.tasks.act.dependencies", (4, 7)),
        (JSON, "json", "$.tasks.act.empty", (5, 32)),
        (JSON, "json", "$.tasks.act.also.what", (5, 45)),
        (JSON, "json", "$.tasks.act.loop_body[1].task_id", (6, 55)),
        (JSON, "json", '$.tasks["a \\"b"].function', (7, 27)),
        (JSON, "json", "$.schedule", (1, 1)),
        (JSON, "json", "$", (None, None)),
        ("", "yaml", "$.tasks", (None, None)),
    ],
)
def test_the_place_is_found(source, form, path, place_of_it):
    [found] = place([Problem(path, "code", "m")], source, form)
    assert (found.line, found.column) == place_of_it


def test_a_known_place_is_kept_and_a_told_one_is_not_said_twice():
    known = Problem("$.tasks.act", "code", "m", line=9, column=1)
    assert place([known], YAML, "yaml") == [known]
    [told] = place([Problem("$", "bad_json", "line 4, column 7: expected a comma")], "{", "json")
    assert (told.line, told.column, told.message) == (4, 7, "expected a comma")


def test_a_key_that_stands_twice_is_shown_where_it_stands_again():
    source = '{"a": {"b": 1},\n "c": {"b": 2,\n "b": 3}}'
    [found] = place([Problem("$", "duplicate_key", "twice")], source, "json")
    assert (found.line, found.column) == (3, 2)


def test_no_map_is_made_of_a_source_that_is_too_long_for_one():
    source = json.dumps({"name": "x" * MAX_CHARACTERS})
    [found] = place([Problem("$.name", "code", "m")], source, "json")
    assert found.line is None


def values(value, path: Path = ()):
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from values(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from values(inner, (*path, index))


def some_value(chance: random.Random, depth: int):
    kind = chance.randrange(5 if depth else 3)
    if kind == 0:
        return chance.choice(["", 'a "quoted" one', "{[:,]}", "back\\slash", "line\nend", "ü"])
    if kind in {1, 2}:
        return chance.choice([0, -1.5e300, True, None])
    size = chance.randrange(4)
    if kind == 3:
        return [some_value(chance, depth - 1) for _ in range(size)]
    return {chance.choice(["a", "b c", 'd"', "e\\", "f:", "g"]): some_value(chance, depth - 1) for _ in range(size)}


def beginning(path: Path, value) -> str:
    """What stands where a value is shown: itself, or its key, or its bracket when it has no key."""
    if not isinstance(value, dict | list):
        return json.dumps(value)
    return json.dumps(path[-1]) if path and isinstance(path[-1], str) else "{" if isinstance(value, dict) else "["


@pytest.mark.parametrize("seed", range(40))
def test_every_value_has_a_place_and_scalars_stand_there(seed):
    chance = random.Random(seed)  # noqa: S311 - the same every time
    value = {"root": some_value(chance, 4), "list": [some_value(chance, 4)]}
    text = json.dumps(value, indent=chance.choice([None, 1, 3]))
    lines = text.split("\n")
    found = json_positions(text)
    expected = dict(values(value))
    assert found.keys() == expected.keys()
    for path, inner in expected.items():
        at = found[path]
        assert lines[at.line - 1][at.column - 1 :].startswith(beginning(path, inner))
    written = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    assert yaml_positions(written).keys() == expected.keys()


def test_a_path_is_taken_apart_as_far_as_it_can_be_read():
    assert parts_of('$.a-b["c \\"d\\\\"][3][\'e\'].f') == ("a-b", 'c "d\\', 3, "e", "f")
    assert parts_of("$.a[broken") == ("a",)
    assert parts_of("$") == ()


@pytest.mark.parametrize(
    ("path", "code"),
    [("$.tasks.t{}.args[0]", "m"), ("$.schedule", "m"), ("$.tasks.t1.kwargs.k{}", "m"), ("$.tasks.u{}", "m")],
)
@pytest.mark.parametrize("form", ["python", "json", "yaml"])
def test_a_thousand_problems_of_a_long_source_are_placed_at_once(form, path, code):
    tasks = {f"t{number}": {"args": [1, 2, 3]} for number in range(2000)}
    source = json.dumps({"tasks": tasks}, indent=1)
    if form == "python":
        source = "".join(f"b.task('t{number}', 'tools.x', args=[1])\n" for number in range(3000))
    assert 90_000 < len(source) < MAX_CHARACTERS
    begin = time.process_time()
    place([Problem(path.format(number), code, "m") for number in range(1000)], source, form)
    assert time.process_time() - begin < 3
