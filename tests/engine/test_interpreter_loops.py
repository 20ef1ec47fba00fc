"""Loops: foreach in order and at once, while with its bound; what is visible where; keys of steps."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.facts import ToolSucceeded
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault


def foreach(items: Any, *body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return op("foreach", "f", items=items, loop_body=list(body), **more)


def repeat(condition: str, *body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return op("while", "l", condition=condition, loop_body=list(body), **more)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("{{list}}", ["a", "b"]),
        ("list", ["a", "b"]),
        ("range(3)", [0, 1, 2]),
        ("[1, 'x']", [1, "x"]),
        ([1, "{{list[0]}}"], [1, "a"]),
        ("{{none | default([])}}", []),
    ],
)
def test_items_come_from_a_template_an_expression_or_a_list(items: Any, expected: list[Any]) -> None:
    run = PureRun(workflow(foreach(items, task("b", args=["{{item}}"])), variables={"list": ["a", "b"]})).run()
    assert [call.args[0] for call in run.calls] == expected
    results = [{"args": [item], "kwargs": {}} for item in expected]
    assert run.result("f") == {"count": len(expected), "results": results}


def test_items_that_are_no_list_fail_the_loop() -> None:
    run = PureRun(workflow(foreach("{{x}}", task("b")), variables={"x": "abc"})).run()
    assert run.finish.error is not None
    assert "must be an array" in run.finish.error.message


def test_a_body_is_a_graph_and_rounds_come_in_order() -> None:
    body = (task("a", args=["{{item}} {{loop.index}} {{loop.number}} {{loop.count}} {{current_item}}"]), task("b", "a"))
    run = PureRun(workflow(foreach("{{list}}", *body), variables={"list": ["x", "y"]})).run()
    assert run.called() == ["f[0]/a", "f[0]/b", "f[1]/a", "f[1]/b"]
    assert [call.args for call in run.calls if call.key.endswith("a")] == [["x 0 1 2 x"], ["y 1 2 2 y"]]


def test_parallel_rounds_are_under_way_at_the_same_time_and_keep_the_order_of_results() -> None:
    pure = PureRun(workflow(foreach("range(3)", task("b", args=["{{item}}"]), parallel=True)))
    first = pure._enter(pure.tasks[""]).advance()
    assert [command.key for command in first] == ["f[0]/b", "f[1]/b", "f[2]/b"]
    assert [each["args"][0] for each in pure.run().result("f")["results"]] == [0, 1, 2]


def test_loops_nest() -> None:
    inner = op("foreach", "g", items="range(2)", loop_body=[task("b", args=["{{item}}"]), task("c", "b")])
    run = PureRun(workflow(foreach(["x", "y"], task("a", args=["{{item}}"]), {**inner, "dependencies": ["a"]}))).run()
    assert run.called()[:5] == ["f[0]/a", "f[0]/g[0]/b", "f[0]/g[0]/c", "f[0]/g[1]/b", "f[0]/g[1]/c"]
    assert run.called()[5] == "f[1]/a"


def test_the_last_finished_round_stays_visible_afterwards_and_in_the_next() -> None:
    body = task("add", function="add", args=["{{add | default(0)}}", "{{item}}"])
    run = PureRun(
        workflow(foreach([1, 2, 3], body), task("after", "f", args=["{{add}}"])),
        {"add": lambda call: call.args[0] + call.args[1]},
    ).run()
    assert run.result("after")["args"] == [6]


def test_rounds_at_the_same_time_do_not_see_each_other() -> None:
    body = task("add", args=["{{add | default('none')}}"])
    run = PureRun(
        workflow(foreach([1, 2], body, parallel=True), task("after", "f", args=["{{add | default('none')}}"]))
    ).run()
    assert [call.args for call in run.calls] == [["none"]] * 3


def test_the_result_of_a_round_is_that_of_its_last_task_that_ran() -> None:
    condition = op("condition", "c", condition="{{item}} == 1", if_true="t", if_false="e")
    body = (condition, task("t", "c", args=["one"]), task("e", "c", args=["other"]))
    run = PureRun(workflow(foreach([1, 2], *body))).run()
    assert [each["args"] for each in run.result("f")["results"]] == [["one"], ["other"]]


def broken(call: Call) -> Any:
    if call.args[0] == 1:
        raise ToolFault("one is broken")
    return call.args[0]


def test_a_failed_round_fails_the_loop_and_the_step_inside_is_the_cause() -> None:
    run = PureRun(
        workflow(foreach("range(3)", task("b", function="broken", args=["{{item}}"]))), {"broken": broken}
    ).run()
    assert run.called() == ["f[0]/b", "f[1]/b"]
    assert run.outcome("f") == "failed"
    assert run.finish.failed_key == "f[1]/b"
    assert run.finish.error is not None
    assert run.finish.error.message == "one is broken"


def test_parallel_rounds_end_before_their_loop_fails() -> None:
    loop = foreach("range(3)", task("b", function="broken", args=["{{item}}"]), parallel=True)
    run = PureRun(workflow(loop), {"broken": broken}).run()
    assert (run.finish.outcome, len(run.calls)) == ("failed", 3)


def test_a_failure_handled_inside_a_round_does_not_fail_it() -> None:
    body = (task("b", function="broken", args=["{{item}}"], on_failure_task_id="h"), task("h"), task("n", "h"))
    run = PureRun(workflow(foreach("range(3)", *body)), {"broken": broken}).run()
    assert run.finish.outcome == "completed"
    assert [run.outcome(f"f[{index}]/h") for index in range(3)] == ["skipped", "succeeded", "skipped"]


def counting(call: Call) -> Any:
    return ToolSucceeded(call.key, None, {"n": call.args[0] + 1})


def test_a_while_loop_decides_before_each_round() -> None:
    loop = repeat("{{n}} < 3", task("b", function="count", args=["{{n}}"]))
    run = PureRun(workflow(loop, variables={"n": 0}), {"count": counting}).run()
    assert run.called() == ["l[0]/b", "l[1]/b", "l[2]/b"]
    assert run.result("l") == {"iterations": 3}
    assert [run.result(f"l[{index}]") for index in range(4)] == [{"value": True}] * 3 + [{"value": False}]


def test_a_while_loop_may_run_no_round() -> None:
    assert PureRun(workflow(repeat("1 == 2", task("b")))).run().result("l") == {"iterations": 0}


def test_a_while_loop_sees_which_round_it_is_and_the_last_rounds_results() -> None:
    assert PureRun(workflow(repeat("{{loop.index}} < 2", task("b")))).run().result("l") == {"iterations": 2}
    loop = repeat("{{b.n | default(0)}} < 2", task("b", function="next", args=["{{b.n | default(0)}}"]))
    run = PureRun(workflow(loop), {"next": lambda call: {"n": call.args[0] + 1}}).run()
    assert run.result("l") == {"iterations": 2}


@pytest.mark.parametrize(("limit", "rounds"), [(5, 5), (None, 1_000)])
def test_a_while_loop_has_a_bound(limit: int | None, rounds: int) -> None:
    run = PureRun(workflow(repeat("1 == 1", task("b"), max_iterations=limit))).run()
    assert run.finish.error is not None
    assert (run.finish.error.kind, len(run.calls)) == ("loop_limit", rounds)


def test_items_are_decided_once_though_the_variable_changes() -> None:
    loop = foreach("{{list}}", task("b", function="shrink"))
    tools = {"shrink": lambda call: ToolSucceeded(call.key, None, {"list": []})}
    for crash in range(1, 8):
        run = PureRun(workflow(loop, variables={"list": [1, 2, 3]}), tools)
        run.crash_after = crash
        assert run.run().result("f")["count"] == 3


def test_a_long_loop_is_not_a_deep_one() -> None:
    run = PureRun(workflow(foreach("range(5000)", op("condition", "c", condition="1 == 1")))).run()
    assert run.result("f")["count"] == 5_000
