"""Tasks: attempts and their policies, guards, variables, templates, and what tools ask of the engine."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import commands as c
from engine.model.facts import ToolSucceeded
from engine.model.requests import AwaitBranches, CancelBranches, RunChild, SleepFor
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import RUN_ID, Call, PureRun, ToolFault


def failing(times: int, **fault: Any) -> Any:
    """A tool that fails so many attempts and then succeeds."""

    def tool(call: Call) -> Any:
        if call.attempt <= times:
            raise ToolFault(f"attempt {call.attempt}", **fault)
        return {"attempt": call.attempt}

    return tool


def one(step: dict[str, Any], tool: Any, **more: Any) -> PureRun:
    return PureRun(workflow(step, **more), {"tools.x": tool}).run()


def delays(run: PureRun) -> list[float]:
    return [command.delay_seconds for _, command in run.commands if isinstance(command, c.Retry)]


def test_without_a_policy_there_is_one_attempt() -> None:
    run = one(task("a"), failing(1))
    assert (run.finish.outcome, len(run.calls)) == ("failed", 1)


def test_retries_wait_longer_each_time() -> None:
    run = one(task("a", retry_policy={"max_retries": 3, "delay": "PT2S", "backoff_factor": 3.0}), failing(3))
    assert run.finish.outcome == "completed"
    assert [call.attempt for call in run.calls] == [1, 2, 3, 4]
    assert delays(run) == [2, 6, 18]
    assert run.record("a").attempt == 4


def test_spent_retries_fail_with_the_last_error() -> None:
    run = one(task("a", retry_policy={"max_retries": 2, "delay": 0}), failing(9))
    assert run.finish.error is not None
    assert (run.finish.error.message, run.record("a").attempt) == ("attempt 3", 3)


def test_an_error_that_is_not_retryable_ends_at_once() -> None:
    run = one(task("a", retry_policy={"max_retries": 5, "delay": 0}), failing(9, retryable=False))
    assert len(run.calls) == 1


def test_a_timeout_counts_as_a_failed_attempt() -> None:
    step = task("a", retry_policy={"max_retries": 1, "delay": 0}, timeout_policy={"timeout": "PT3S"})
    run = one(step, failing(1, kind="timeout"))
    assert run.finish.outcome == "completed"
    assert [call.command.timeout_seconds for call in run.calls] == [3, 3]


def test_the_workflows_policy_is_for_tasks_without_one() -> None:
    policy = {"max_retries": 1, "delay": 0}
    assert one(task("a"), failing(1), default_retry_policy=policy).finish.outcome == "completed"
    own = task("a", retry_policy={"max_retries": 0})
    assert one(own, failing(1), default_retry_policy=policy).finish.outcome == "failed"


def test_results_are_visible_by_id_and_by_key_and_by_path() -> None:
    run = PureRun(
        workflow(
            task("a", result_key="r", kwargs={"x": [1]}),
            task("b", "a", args=["{{a.kwargs.x[0]}}", "{{r.kwargs}}", "got {{a.kwargs.x}}"]),
        )
    ).run()
    assert run.result("b")["args"] == [1, {"x": [1]}, "got [1]"]


def test_where_names_come_from_nearest_first() -> None:
    args = ["{{a}}", "{{v}}", "{{i}}", "{{inputs.i}}", "{{inputs.v}}", "{{ds}}", "{{workflow_run_id}}", "{{run.id}}"]
    definition = workflow(
        task("a"), task("b", "a", args=args), variables={"v": "variable", "a": "hidden", "i": "default"}
    )
    run = PureRun(definition, {"tools.x": lambda call: call.args or "result"}, {"i": "input"}).run()
    assert run.result("b") == [
        "result",
        "variable",
        "default",
        "input",
        "variable",
        "2026-01-31",
        str(RUN_ID),
        str(RUN_ID),
    ]


def test_an_unknown_name_fails_the_step_at_once_with_suggestions() -> None:
    run = one(task("a", args=["{{ inptus.x }}"], retry_policy={"max_retries": 3}), lambda _call: 1)
    assert run.finish.error is not None
    assert (run.finish.error.kind, run.calls) == ("template", [])
    assert "did you mean 'inputs'" in run.finish.error.message


def test_secrets_reach_the_call_as_written() -> None:
    run = one(task("a", args=["{{secrets.12-ab}}"]), lambda _call: 1)
    assert run.calls[0].args == ["{{secrets.12-ab}}"]


def test_variables_that_tools_set_are_visible_and_recorded() -> None:
    steps = (task("a"), task("b", "a", function="show", args=["{{n}}"]))
    run = PureRun(workflow(*steps), {"tools.x": lambda call: ToolSucceeded(call.key, None, {"n": 5})}).run()
    assert run.record("a").variables == {"n": 5}
    assert run.result("b")["args"] == [5]


def test_a_result_that_was_committed_by_the_call_is_not_recorded_again() -> None:
    run = PureRun(
        workflow(task("a"), task("b", "a", function="show", args=["{{a}}"])),
        {"tools.x": lambda call: ToolSucceeded(call.key, 7, durable=True)},
    ).run()
    assert "a" not in run.tasks[""].records
    assert run.result("b")["args"] == [7]


def test_the_authors_idempotency_key_is_resolved() -> None:
    run = one(task("a", idempotency_key="order-{{inputs.id}}"), lambda _call: 1, variables={"id": 4})
    assert run.calls[0].command.idempotency_key == "order-4"


@pytest.mark.parametrize(
    ("guard", "holds"),
    [
        ({"variable": "{{n}}", "check": "exists"}, True),
        ({"variable": "{{zz}}", "check": "exists"}, False),
        ({"variable": "n", "check": "exists"}, True),
        ({"variable": "{{none}}", "check": "exists"}, True),
        ({"variable": "{{none}}", "check": "not_null"}, False),
        ({"variable": "{{n}}", "check": "equals", "value": 5}, True),
        ({"variable": "{{n}}", "check": "equals", "value": "{{n}}"}, True),
        ({"variable": "{{n}}", "check": "not_equals", "value": 5}, False),
        ({"variable": "{{n}}", "check": "in_range", "value": [1, 5]}, True),
        ({"variable": "{{n}}", "check": "in_range", "value": [6, 9]}, False),
        ({"variable": "{{s}}", "check": "in_range", "value": [6, 9]}, False),
        ({"variable": "{{s}}", "check": "matches_regex", "value": "^A-\\d+$"}, True),
        ({"variable": "{{s}}", "check": "matches_regex", "value": "^B"}, False),
        ({"variable": "{{n}}", "check": "type_check", "value": "int"}, True),
        ({"variable": "{{s}}", "check": "type_check", "value": "int"}, False),
        ({"variable": "{{yes}}", "check": "type_check", "value": "int"}, False),
        ({"variable": "{{yes}}", "check": "type_check", "value": "bool"}, True),
        ({"variable": "{{n}}", "check": "in_set", "value": [4, 5]}, True),
        ({"variable": "{{n}}", "check": "in_set", "value": ["5"]}, False),
    ],
)
def test_guards(guard: dict[str, Any], holds: bool) -> None:
    variables = {"n": 5, "s": "A-1", "none": None, "yes": True}
    run = one(task("a", preconditions=[guard]), lambda _call: 1, variables=variables)
    assert (run.finish.outcome == "completed", len(run.calls) == 1) == (holds, holds)
    if not holds:
        assert run.finish.error is not None
        assert run.finish.error.kind == "guard"


def test_a_postcondition_sees_the_result_and_fails_the_step() -> None:
    guard = {"variable": "{{a.total}}", "check": "in_range", "value": [0, 10], "message": "the total is off"}
    assert one(task("a", postconditions=[guard]), lambda _call: {"total": 10}).finish.outcome == "completed"
    run = one(task("a", postconditions=[guard]), lambda _call: {"total": 11})
    assert run.finish.error is not None
    assert (run.finish.error.kind, run.finish.error.message) == ("guard", "the total is off")
    assert run.outcome("a") == "failed"


# -- requests


def test_a_tool_may_ask_to_sleep() -> None:
    run = one(task("a"), lambda _call: SleepFor(60))
    assert run.result("a") is None
    assert [command.seconds for _, command in run.commands if isinstance(command, c.StartTimer)] == [60]


def child(status: str, result: Any = None, message: str | None = None) -> dict[str, Any]:
    error = {"message": message} if message else None
    return {"status": status, "result": result, "error": error, "workflow_run_id": "r-1"}


def test_a_tool_may_run_a_child_and_gets_its_result() -> None:
    pure = PureRun(workflow(task("a")), {"tools.x": lambda _call: RunChild(workflow_name="other", inputs={"x": 1})})
    pure.child_results["a.child"] = child("completed", {"y": 2})
    assert pure.run().result("a") == {"workflow_run_id": "r-1", "status": "completed", "result": {"y": 2}}
    (started,) = pure.children
    assert (started.child_key, started.workflow_name, started.inputs) == ("a.child", "other", {"x": 1})


def test_a_child_that_failed_fails_the_step_without_another_attempt() -> None:
    step = task("a", retry_policy={"max_retries": 3, "delay": 0})
    pure = PureRun(workflow(step), {"tools.x": lambda _call: RunChild(workflow_name="other")})
    pure.child_results["a.child"] = child("failed", message="it broke")
    pure.run()
    assert pure.finish.error is not None
    assert pure.finish.error.kind == "branch"
    assert "it broke" in pure.finish.error.message
    assert len(pure.calls) == 1


def test_child_workflows_are_started_together_and_collected() -> None:
    children = {"a": {"workflow_name": "w1", "inputs": {"u": "{{v}}"}}, "b": {"workflow_name": "w2"}}
    pure = PureRun(workflow(op("child_workflow", "fan", children=children), variables={"v": 9}))
    pure.child_results.update({"fan.a": child("completed", 1), "fan.b": child("completed", 2)})
    pure.run()
    assert [(start.child_key, start.inputs) for start in pure.children] == [("fan.a", {"u": 9}), ("fan.b", {})]
    assert {name: (each["status"], each["result"]) for name, each in pure.result("fan").items()} == {
        "a": ("completed", 1),
        "b": ("completed", 2),
    }


def test_waiting_for_nothing_and_cancelling_need_no_wait() -> None:
    assert one(task("a"), lambda _call: AwaitBranches({})).result("a") == {}
    run = one(task("a"), lambda _call: CancelBranches(["x.y"]))
    assert run.result("a") == {"cancelled": ["x.y"]}
    assert [command.task_keys for _, command in run.commands if isinstance(command, c.CancelTasks)] == [["x.y"]]
