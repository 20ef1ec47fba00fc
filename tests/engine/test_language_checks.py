"""Validation: all problems at once, each with the JSON path of its place."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from engine.language import check
from engine.tools import registry
from tests.engine.definitions import op, task, workflow

TOOLS = {"tools.x", "tools.shell.run", "tools.memory.set", "tools.python.run", "wait"}
EXAMPLES = Path(__file__).parents[1] / "workflow_examples"


def found(value: Any, inputs: list[str] | None = None) -> dict[str, str]:
    """Code by path."""
    return {problem.path: problem.code for problem in check(value, TOOLS, inputs)}


def one(value: Any, inputs: list[str] | None = None) -> tuple[str, str, str]:
    (problem,) = check(value, TOOLS, inputs)
    return problem.path, problem.code, problem.message


def test_a_sound_definition_has_no_problem() -> None:
    assert found(workflow(task("a"), task("b", "a", args=["{{a.x}}", "{{inputs.y}}"])), ["y"]) == {}


@pytest.mark.parametrize("name", ["demo_v2", "disaster_recovery", "ultimate_correctness"])
def test_the_golden_workflows_have_neither_error_nor_warning(name: str) -> None:
    built = runpy.run_path(str(EXAMPLES / f"{name}.py"))["get_workflow"]()
    assert check(json.loads(built.to_json()), registry.keys(), []) == []


@pytest.mark.parametrize(
    ("value", "path", "code", "word"),
    [
        (
            workflow(task("fetch"), task("b", "fetsh")),
            "$.tasks.b.dependencies[0]",
            "unknown_task",
            "did you mean 'fetch'",
        ),
        (workflow(task("a", "a")), "$.tasks.a.dependencies[0]", "self_reference", "itself"),
        (workflow(task("a", on_failure_task_id="h")), "$.tasks.a.on_failure_task_id", "unknown_task", "'h'"),
        (workflow(task("a", on_success_task_id="h")), "$.tasks.a.on_success_task_id", "unknown_task", "'h'"),
        (workflow(op("condition", "c", condition="1 == 1", if_true="t")), "$.tasks.c.if_true", "unknown_task", "'t'"),
        (
            workflow(op("switch", "s", switch_on="x", cases={"a b": "t"})),
            '$.tasks.s.cases["a b"]',
            "unknown_task",
            "'t'",
        ),
        (workflow(op("switch", "s", switch_on="x", default="t")), "$.tasks.s.default", "unknown_task", "'t'"),
        (workflow(task("a"), op("join", "j", join_tasks=["a", "b"])), "$.tasks.j.join_tasks[1]", "unknown_task", "'b'"),
        (workflow(task("a"), start_task="b"), "$.start_task", "unknown_task", "'b'"),
        (workflow(task("a", function="tools.shel.run")), "$.tasks.a.function", "unknown_tool", "tools.shell.run"),
        (workflow(task("a", function="shell.run")), "$.tasks.a.function", "unknown_tool", "'tools.shell.run'"),
        (workflow(task("a", function="apps.acme.crm.sync")), "$.tasks.a.function", "app_not_installed", "acme"),
        (workflow(task("a"), schedule="61 * * * *"), "$.schedule", "bad_schedule", "cron"),
        (workflow(task("a"), schedule="0 0 31 2 *"), "$.schedule", "bad_schedule", "cron"),
        (workflow(op("condition", "c", condition="a = 1")), "$.tasks.c.condition", "bad_condition", "=="),
        (workflow(task("a", args=[{"x": ["{{ b"]}])), "$.tasks.a.args[0].x[0]", "bad_template", "never closed"),
        (workflow(task("a", kwargs={"k": "{{ nope }}"})), "$.tasks.a.kwargs.k", "unknown_name", "'nope'"),
        (
            workflow(op("foreach", "f", items="{{ nope }}", loop_body=[task("b")])),
            "$.tasks.f.items",
            "unknown_name",
            "nope",
        ),
        (workflow({**task("a"), "task_id": "a"}), "", "", ""),
    ],
)
def test_each_problem_is_found_at_its_place(value: Any, path: str, code: str, word: str) -> None:
    if not path:
        assert found(value, []) == {}
        return
    got_path, got_code, message = one(value, [])
    assert (got_path, got_code) == (path, code)
    assert word in message


def test_a_setting_that_was_meant_to_be_another_is_a_warning_wherever_it_stands() -> None:
    inner = task("inner") | {"idempotency_ky": "k"}
    branches = {"one": {"tasks": {"there": task("there") | {"result_kex": "r"}}}}
    value = workflow(
        task("a") | {"on_failure": "b", "owner": "somebody", "dependencie": []},
        task("b", "a"),
        op("foreach", "loop", "b", items=[1], loop_body=[inner]),
        op("parallel", "fork", "loop", branch_workflows=branches),
        task("join", "fork", function="tools.x", args=["{{fork}}"]),
    ) | {"tag": ["x"]}
    warned = [problem for problem in check(value, TOOLS) if problem.code == "unknown_setting"]
    assert {problem.path for problem in warned} == {
        "$.tag",
        "$.tasks.a.on_failure",
        "$.tasks.loop.loop_body[0].idempotency_ky",
        "$.tasks.fork.branch_workflows.one.tasks.there.result_kex",
    }
    assert {problem.severity for problem in warned} == {"warning"}
    assert "has no effect; did you mean 'on_failure_task_id'?" in " ".join(problem.message for problem in warned)


def test_an_id_that_differs_from_its_key_is_a_problem() -> None:
    value = {"name": "w", "tasks": {"a": task("b")}}
    assert found(value)["$.tasks.a.task_id"] == "id_mismatch"


def test_a_repeated_id_in_a_body_is_a_problem() -> None:
    value = workflow(op("foreach", "f", items="range(2)", loop_body=[task("b"), task("b")]))
    assert found(value) == {"$.tasks.f.loop_body[1].task_id": "duplicate_id"}


def test_problems_inside_loops_and_branches_are_found() -> None:
    value = workflow(
        op("foreach", "f", items="range(2)", loop_body=[task("b", "zz"), task("c", args=["{{ item }} {{ itm }}"])]),
        op("parallel", "p", branch_workflows={"A": {"tasks": {"x": task("x", "b", function="nope")}}}),
    )
    assert found(value, []) == {
        "$.tasks.f.loop_body[0].dependencies[0]": "unknown_task",
        "$.tasks.f.loop_body[1].args[0]": "unknown_name",
        "$.tasks.p.branch_workflows.A.tasks.x.dependencies[0]": "unknown_task",
        "$.tasks.p.branch_workflows.A.tasks.x.function": "unknown_tool",
        "$.tasks.p": "fork_not_awaited",
    }


@pytest.mark.parametrize(
    "value",
    [
        workflow(task("a", "b"), task("b", "a")),
        workflow(task("s"), task("a", "s", "c"), task("b", "a"), task("c", "b")),
        workflow(task("a", "h", on_failure_task_id="h"), task("h")),
        workflow(task("a", "j"), op("join", "j", join_tasks=["a"])),
        workflow(op("condition", "c", "t", condition="1 == 1", if_true="t"), task("t")),
    ],
)
def test_cycles_are_found(value: Any) -> None:
    assert "cycle" in found(value).values()


def test_a_cycle_is_shown_in_its_order() -> None:
    _, _, message = one(workflow(task("a", "c"), task("b", "a"), task("c", "b"), task("d", "c")))
    assert message.endswith(("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"))


def test_a_cycle_that_only_the_rules_make_is_found() -> None:
    # n stands in d's side and waits for w, which waits for c's side, which holds m, which waits for d's side to end
    value = workflow(
        op("condition", "c", condition="1 == 1", if_true="m0"),
        task("m0", "c"),
        task("m", "m0", "y"),
        task("w", "c"),
        op("condition", "d", condition="1 == 1", if_true="n0"),
        task("n0", "d"),
        task("n", "n0", "w"),
        task("y", "d"),
    )
    assert "cycle" in found(value).values()


def test_a_cycle_in_a_body_is_found_there() -> None:
    value = workflow(op("while", "l", condition="{{loop.index}} < 2", loop_body=[task("a", "b"), task("b", "a")]))
    assert list(found(value).values()) == ["cycle"]


@pytest.mark.parametrize("schedule", ["*/5 * * * *", "0 9 * * MON-FRI", "@every 90s", "@every 2h"])
def test_these_schedules_are_good(schedule: str) -> None:
    assert found(workflow(task("a"), schedule=schedule)) == {}


def test_a_name_that_might_be_an_input_is_a_warning_until_the_inputs_are_known() -> None:
    value = workflow(task("a", args=["{{ customer }}"]))
    (problem,) = check(value, TOOLS)
    assert (problem.code, problem.severity) == ("unknown_name", "warning")
    (problem,) = check(value, TOOLS, ["other"])
    assert problem.severity == "error"
    assert check(value, TOOLS, ["customer"]) == []


def test_names_that_tools_set_are_known() -> None:
    remember = task("m", function="tools.memory.set", args=["total", 1])
    assert found(workflow(remember, task("a", "m", args=["{{ total }}"])), []) == {}
    free = workflow(task("p", function="tools.python.run"), task("a", "p", args=["{{ whatever }}"]))
    assert [problem.severity for problem in check(free, TOOLS, [])] == ["warning"]


def test_names_of_loops_handlers_and_outer_results_are_known_where_they_can_be_seen() -> None:
    body = [task("b", args=["{{item}} {{loop.index}} {{current_item}} {{before.x}}"]), task("c", "b", args=["{{b.y}}"])]
    value = workflow(
        task("before", on_failure_task_id="h"),
        task("h", args=["{{failed_task_id}} {{error_message}}"]),
        op("foreach", "f", "before", items="range(2)", loop_body=body),
        task("after", "f", args=["{{c.z}}"]),
    )
    assert found(value, []) == {}
    assert found(workflow(task("a", args=["{{item}}"])), []) == {"$.tasks.a.args[0]": "unknown_name"}


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        (workflow(op("activity", "a", function="tools.x")), "$.tasks.a", "activity_not_awaited"),
        (
            workflow(op("parallel", "p", branch_workflows={"A": {"tasks": {"x": task("x")}}})),
            "$.tasks.p",
            "fork_not_awaited",
        ),
        (
            workflow(task("a", result_key="r"), task("b", "a", result_key="r")),
            "$.tasks.b.result_key",
            "result_key_reused",
        ),
        (
            workflow(op("while", "l", condition="{{n}} < 3", loop_body=[task("a")]), variables={"n": 0}),
            "$.tasks.l.condition",
            "constant_condition",
        ),
        (workflow(op("terminate", "t"), task("a", "t")), "$.tasks.a", "unreachable"),
        (workflow(task("a", metadata={"on_exhausted": "beg"})), "$.tasks.a.metadata.on_exhausted", "no_effect_yet"),
        (workflow(task("a", "b"), task("b"), start_task="a"), "$.start_task", "start_task_waits"),
    ],
)
def test_what_is_seldom_meant_is_a_warning(value: Any, path: str, code: str) -> None:
    (problem,) = check(value, TOOLS, [])
    assert (problem.path, problem.code, problem.severity) == (path, code, "warning")


def test_plain_text_in_a_list_of_items_is_text_and_a_template_is_checked() -> None:
    value = workflow(op("foreach", "f", items=["a", "{{nowhere}}"], loop_body=[task("b")]))
    (problem,) = check(value, TOOLS, [])
    assert (problem.path, problem.code) == ("$.tasks.f.items[1]", "unknown_name")


def test_what_is_awaited_or_exclusive_or_changing_is_no_warning() -> None:
    value = workflow(
        op("parallel", "p", branch_workflows={"A": {"tasks": {"x": task("x")}}}, result_key="fork"),
        task("w", "p", function="wait", args=["{{fork}}"]),
        op("activity", "act", function="tools.x"),
        op("wait_for_event", "e", "act", event_name="{{act.completion_event}}"),
        op("condition", "c", "e", condition="1 == 1", if_true="t", if_false="f"),
        task("t", "c", result_key="r"),
        task("f", "c", result_key="r"),
        op("while", "l", "c", condition="{{n}} < 3", loop_body=[task("a", function="tools.memory.set", args=["n", 4])]),
        variables={"n": 0},
    )
    assert found(value, []) == {}


def test_a_graph_of_too_many_choices_around_too_many_tasks_is_refused_and_does_not_hang() -> None:
    tasks = [task("t0")]
    for index in range(1, 4_000):
        tasks.append(op("condition", f"c{index}", f"t{index - 1}", condition="1 == 1", if_true=f"t{index}"))
        tasks.append(task(f"t{index}", f"c{index}"))
    assert "too_complex" in found(workflow(*tasks)).values()


def test_at_most_a_thousand_problems_are_listed() -> None:
    assert len(check(workflow(*[task(f"t{i}", "zz") for i in range(2_000)]), TOOLS)) == 1_000
