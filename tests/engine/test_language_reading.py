"""Reading definitions: both dialects, JSON and YAML, and every problem of form with its path."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from engine.language import DefinitionError, read_definition, read_json, read_yaml
from engine.language.definition import ForEach, Parallel, Task
from engine.language.scopes import scope_of
from tests.engine.definitions import op, task, workflow


def problems(value: Any) -> dict[str, str]:
    with pytest.raises(DefinitionError) as caught:
        read_definition(value)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_missing_optional_keys_take_their_defaults() -> None:
    definition = read_definition({"name": "w", "tasks": {"a": {"operator_type": "task", "function": "tools.x"}}})
    found = definition.tasks["a"]
    assert isinstance(found, Task)
    assert (found.task_id, found.dependencies, found.args, found.trigger_rule) == ("a", [], [], "all_success")
    assert definition.version == "1"


def test_nulls_count_as_missing() -> None:
    value = workflow(
        {"task_id": "a", "operator_type": "task", "function": "tools.x"}
        | dict.fromkeys(["args", "kwargs", "dependencies", "metadata", "retry_policy", "trigger_rule", "description"]),
        description=None,
        variables=None,
        tags=None,
        deadline_action=None,
    )
    assert read_definition(value).tasks["a"].dependencies == []


def test_the_second_dialect_is_read() -> None:
    value = workflow(
        task(
            "a",
            timeout_seconds=300,
            retry_policy={"max_attempts": 4, "initial_interval_seconds": 1.5, "backoff_coefficient": 3},
        ),
        timeout_seconds=600,
        version="1.0.0",
    )
    definition = read_definition(value)
    found = definition.tasks["a"]
    assert isinstance(found, Task)
    assert found.retry_policy is not None
    assert (found.retry_policy.max_retries, found.retry_policy.delay, found.retry_policy.backoff_factor) == (3, 1.5, 3)
    assert found.attempt_timeout == 300
    assert definition.deadline == 600


def test_keys_that_nobody_knows_are_ignored() -> None:
    assert read_definition(workflow(task("a", ui={"x": 1}), extra=1)).name == "w"


def test_all_problems_of_form_are_listed_with_their_paths() -> None:
    found = problems(
        {
            "name": "no spaces",
            "tasks": {
                "a": {"operator_type": "task"},
                "b": {"operator_type": "tsk", "function": "x"},
                "c": {"operator_type": "condition", "if_true": 3},
                "d": {"function": "x"},
                "e": {"operator_type": "foreach", "items": "{{x}}", "loop_body": [{"operator_type": "wait"}]},
                "f": {"operator_type": "task", "function": "x", "retry_policy": {"delay": "soon"}},
                "g": 7,
                "h": {"operator_type": "wait", "wait_for": "tomorrow"},
                "i": {"operator_type": "while", "condition": "x", "loop_body": []},
                "j/k": {"operator_type": "task", "function": "x"},
            },
        }
    )
    assert found["$.tasks.a.function"] == "function is missing"
    assert "did you mean 'task'" in found["$.tasks.b.operator_type"]
    assert found["$.tasks.c.condition"] == "condition is missing"
    assert found["$.tasks.c.if_true"] == "if_true must be text"
    assert "$.tasks.d.operator_type" in found
    assert found["$.tasks.e.loop_body[0].wait_for"] == "wait_for is missing"
    assert "'soon' is not a duration" in found["$.tasks.f.retry_policy.delay"]
    assert found["$.tasks.g"] == "g must be an object"
    assert "'tomorrow' is neither" in found["$.tasks.h.wait_for"]
    assert "at least 1" in found["$.tasks.i.loop_body"]
    assert "$.name" in found
    assert '$.tasks["j/k"]' in found


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, {"name": "w"}, {"name": "w", "tasks": {}}, {"name": "w", "tasks": []}]
)
def test_what_is_no_workflow_is_refused(value: Any) -> None:
    assert problems(value)


@pytest.mark.parametrize(
    "wait_for", ["PT1S", 3, 2.5, "P1D", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00", "{{x}}"]
)
def test_these_can_be_waited_for(wait_for: Any) -> None:
    read_definition(workflow(op("wait", "a", wait_for=wait_for)))


def test_a_body_stands_once_in_its_innermost_loop() -> None:
    inner = task("leaf", "inner", is_internal_loop_task=True)
    inner_loop = op("while", "inner", "outer", condition="x", loop_body=[inner], is_internal_loop_task=True)
    outer = op("foreach", "outer", items="{{x}}", loop_body=[inner_loop, inner])
    definition = read_definition(workflow(outer, inner_loop, inner, task("after", "outer")))
    root = scope_of(definition)
    assert list(root.entries) == ["outer", "after"]
    (outer_scope,) = root.inner
    assert list(outer_scope.entries) == ["inner"]
    assert list(outer_scope.inner[0].entries) == ["leaf"]
    assert outer_scope.inner[0].entries["leaf"].path == "$.tasks.outer.loop_body[0].loop_body[0]"
    assert isinstance(definition.tasks["outer"], ForEach)


def test_branches_are_read() -> None:
    definition = read_definition(workflow(op("parallel", "p", branch_workflows={"A b": {"tasks": {"x": task("x")}}})))
    found = definition.tasks["p"]
    assert isinstance(found, Parallel)
    assert list(found.branch_workflows["A b"].tasks) == ["x"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"a": 1,}', "line 1"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1, "a": 2}', "twice"),
        ("", "line 1"),
        ("[" * 100_000, "deep"),
        ('{"a": ' + "9" * 5_000 + "}", "digits"),
    ],
)
def test_bad_json_is_refused_with_the_place(text: str, word: str) -> None:
    with pytest.raises(DefinitionError, match=word):
        read_json(text)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (BOMB, "anchors"),
        ("a: 1\na: 2", "twice"),
        ("a: !!python/object/apply:os.system ['id']", "tags"),
        ("a: [1, 2", "line"),
        ("a: !custom 1", "tags"),
        ("[" * 3_000, "deep|line"),
    ],
)
def test_dangerous_yaml_is_refused(text: str, word: str) -> None:
    with pytest.raises(DefinitionError, match=word):
        read_yaml(text)


def test_yaml_reads_as_the_same_json_does() -> None:
    text = "name: w\nstart_date: 2026-01-31\ntasks:\n  a:\n    operator_type: task\n    function: tools.x\n    args: [1, yes]\n"
    value = read_yaml(text)
    assert value == {
        "name": "w",
        "start_date": "2026-01-31",
        "tasks": {"a": {"operator_type": "task", "function": "tools.x", "args": [1, True]}},
    }
    read_definition(value)


def test_what_is_too_big_is_refused_fast() -> None:
    started = time.process_time()
    with pytest.raises(DefinitionError, match="8 MB"):
        read_json('{"a": "' + "x" * 10_500_000 + '"}')
    many = {"name": "w", "tasks": {f"t{i}": {"operator_type": "task", "function": "x"} for i in range(10_001)}}
    assert "10,000 tasks" in problems(many)["$"]
    assert time.process_time() - started < 2


def test_what_is_too_deep_is_refused() -> None:
    value: Any = "x"
    for _ in range(150):
        value = [value]
    assert "nested" in next(iter(problems(workflow(task("a", args=value))).values()))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {"a": object()}, {"a": {1, 2}}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    assert problems(workflow(task("a", kwargs={"v": value} if not isinstance(value, dict) else value)))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    assert problems(workflow(task("a", args=[{"x": text}]))) == {
        "$.tasks.a.args[0].x": "the text holds a NUL or half of a surrogate pair"
    }
    assert "$.tasks.a.kwargs" in problems(workflow(task("a", kwargs={text: 1})))


def test_a_definition_survives_json() -> None:
    value = workflow(task("a"), op("wait", "b", "a", wait_for="PT1S"))
    assert read_definition(json.loads(json.dumps(value))) == read_definition(value)
