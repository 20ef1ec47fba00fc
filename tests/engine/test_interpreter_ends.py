"""How a task ends: failing, terminated, diverged, stuck; late facts; progress; the contract of the commands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine.interpreter import Execution, compile_program
from engine.language import read_definition
from engine.model import commands as c
from engine.model.errors import StepError
from engine.model.facts import Recorded, TaskInfo, ToolFailed, ToolSucceeded, WaitOver
from engine.model.requests import RunChild
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault

INFO = TaskInfo(UUID(int=1), UUID(int=2), "", {})


def fail(call: Call) -> Any:
    raise ToolFault(f"{call.key} is broken")


def run(*tasks: dict[str, Any], **more: Any) -> PureRun:
    return PureRun(workflow(*tasks, **more), {"bad": fail}).run()


def execution(*tasks: dict[str, Any], recorded: list[Recorded] | None = None) -> Execution:
    return Execution(compile_program(read_definition(workflow(*tasks))), INFO, recorded or [])


def test_a_completed_run_gives_the_results_of_its_tasks() -> None:
    done = run(task("a"), op("foreach", "f", items="range(1)", loop_body=[task("b")]))
    assert set(done.finish.result) == {"a", "f"}  # type: ignore[arg-type]


# -- failing


def test_after_a_certain_failure_nothing_new_starts_but_what_tolerates_it() -> None:
    started = execution(
        task("a", function="bad"), task("b"), task("b2", "b"), task("clean", "b", trigger_rule="all_done")
    )
    assert [command.key for command in started.advance()] == ["a", "b"]
    started.settle(ToolFailed("a", StepError("tool", "x")))
    started.advance()
    started.durable("a")
    assert started.advance() == []
    started.settle(ToolSucceeded("b", 1))
    (record,) = started.advance()
    assert (record.key, record.gate) == ("b", True)
    started.durable("b")
    keys = [(type(command).__name__, command.key) for command in started.advance()]
    assert keys == [("Record", "b2"), ("CallTool", "clean")]


def test_waits_are_given_up_when_the_run_must_fail() -> None:
    done = run(
        task("a", function="bad"), op("wait_for_event", "e", event_name="never"), op("wait", "w", wait_for="P9D")
    )
    assert done.outcomes() == {"a": "failed", "e": "skipped", "w": "skipped"}
    assert done.record("e").reason == "upstream_failed"
    assert done.finish.failed_key == "a"


def test_retries_are_given_up_when_the_run_must_fail() -> None:
    retrying = task("r", function="bad", retry_policy={"max_retries": 9, "delay": "P1D"})
    done = run(retrying, op("wait", "w", wait_for=1), task("a", "w", function="bad"))
    assert done.finish.failed_key in {"a", "r"}
    assert done.outcome("r") == "failed"


def test_no_retry_begins_when_the_run_must_fail() -> None:
    retrying = task("r", function="bad", retry_policy={"max_retries": 9, "delay": "P1D"})
    started = execution(task("a", function="bad"), retrying)
    started.advance()
    started.settle(ToolFailed("a", StepError("tool", "first")))
    started.durable("a")
    started.settle(ToolFailed("r", StepError("tool", "second")))
    started.durable("r")
    *records, finish = started.advance()
    assert [type(each) for each in records] == [c.Record, c.Record]
    assert isinstance(finish, c.Finish)
    assert finish.failed_key == "a"


def test_children_are_awaited_though_the_run_must_fail() -> None:
    children = op("child_workflow", "fan", children={"x": {"workflow_name": "other"}})
    pure = PureRun(
        workflow(task("a", function="bad"), task("child"), children),
        {"bad": fail, "tools.x": lambda _call: RunChild(workflow_name="other")},
    )
    done = {"status": "completed", "result": 1, "error": None}
    pure.child_results.update({"child.child": done, "fan.x": done})
    assert pure.run().outcomes() == {"a": "failed", "child": "succeeded", "fan": "succeeded"}
    assert pure.finish.outcome == "failed"


def test_a_loop_stops_when_what_is_around_it_fails() -> None:
    loop = op("while", "l", condition="1 == 1", loop_body=[op("wait", "w", wait_for="PT1S")])
    done = run(loop, task("a", function="bad"))
    assert done.finish.failed_key == "a"
    assert done.outcome("l") == "skipped"


def test_the_loop_of_a_handler_runs_though_the_run_fails() -> None:
    handler = op("foreach", "h", items="range(2)", loop_body=[task("b"), task("c", "b")])
    done = run(task("a", function="bad", on_failure_task_id="h"), handler, task("z", function="bad"))
    assert done.outcome("h") == "succeeded"
    assert done.finish.outcome == "failed"


# -- terminate


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_terminate_ends_at_once_and_skips_the_rest(status: str) -> None:
    stop = op("terminate", "stop", "a", status=status, result={"n": "{{a.args[0]}}"}, reason="enough of {{a.args[0]}}")
    done = run(
        task("a", args=[4]), stop, op("wait_for_event", "e", event_name="never"), task("b", "stop"), task("z", "e")
    )
    assert done.finish.outcome == status
    assert done.finish.result == {"n": 4}
    assert {key: done.record(key).reason for key in ("e", "b", "z")} == dict.fromkeys(("e", "b", "z"), "terminated")
    if status == "completed":
        assert done.finish.error is None
    else:
        assert done.finish.error is not None
        assert (done.finish.error.kind, done.finish.error.message) == ("terminated", "enough of 4")


def test_terminate_inside_a_loop_ends_the_run() -> None:
    body = [
        task("b"),
        op("condition", "c", "b", condition="{{item}} == 1", if_true="stop"),
        op("terminate", "stop", "c"),
    ]
    for crash in (None, *range(1, 9)):
        pure = PureRun(workflow(op("foreach", "f", items="range(5)", loop_body=body), task("z", "f")))
        pure.crash_after = crash
        pure.run()
        assert (pure.finish.outcome, pure.outcome("f"), pure.outcome("z")) == ("completed", "skipped", "skipped")


def test_terminate_cancels_branches_and_waits_for_them() -> None:
    branch = {"a": {"tasks": {"x": op("wait_for_event", "x", event_name="never")}}}
    done = run(op("parallel", "p", branch_workflows=branch), op("terminate", "stop", "p"))
    assert done.finish.outcome == "completed"
    assert done.tasks["p.a"].finish == c.Finish("cancelled")


# -- divergence and damage


def test_a_recorded_step_of_another_operator_is_divergence_and_nothing_is_run() -> None:
    other = execution(task("a"), task("b"), recorded=[Recorded("b", "wait", "succeeded")])
    (finish,) = other.advance()
    assert isinstance(finish, c.Finish)
    assert finish.error is not None
    assert (finish.outcome, finish.error.kind, finish.failed_key) == ("failed", "divergence", "b")
    assert "expected task, found wait" in finish.error.message
    assert other.advance() == []


def test_a_graph_that_cannot_go_on_ends_and_does_not_hang() -> None:
    (finish,) = execution(task("a", "b"), task("b", "a")).advance()
    assert isinstance(finish, c.Finish)
    assert finish.error is not None
    assert finish.error.kind == "internal"


def test_late_and_foreign_facts_change_nothing() -> None:
    started = execution(task("a"), task("b", "a"))
    started.advance()
    started.settle(WaitOver("nobody"))
    started.settle(ToolSucceeded("a", 1))
    started.settle(ToolSucceeded("a", 2))
    (record,) = started.advance()
    assert isinstance(record, c.Record)
    assert record.result == 1
    started.durable("b")
    started.durable("a")
    started.settle(ToolSucceeded("a", 3))
    (call,) = started.advance()
    assert call.key == "b"


def test_nothing_behind_a_result_starts_before_it_is_durable() -> None:
    started = execution(task("a"), task("b", "a"))
    started.advance()
    started.settle(ToolSucceeded("a", 1))
    assert [type(command) for command in started.advance()] == [c.Record]
    assert started.advance() == []
    started.durable("a")
    assert [type(command) for command in started.advance()] == [c.CallTool]


def test_decisions_need_not_be_waited_for() -> None:
    started = execution(op("condition", "c", condition="1 == 1", if_true="t"), task("t", "c"))
    assert [type(command) for command in started.advance()] == [c.Record, c.CallTool]


def test_the_effects_of_a_step_follow_its_record() -> None:
    done = run(op("emit_event", "e", event_name="x"), op("activity", "act", function="tools.x"))
    names = [
        (type(command).__name__, command.key)
        for scope, command in done.commands
        if scope == "" and hasattr(command, "key")
    ]
    assert names[:4] == [("Record", "e"), ("Emit", "e"), ("Record", "act"), ("Fork", "act")]


def test_progress_counts_final_tasks_of_those_in_play() -> None:
    started = execution(task("a"), op("foreach", "f", "a", items="range(2)", loop_body=[task("b")]))
    assert started.progress == (0, 2)
    started.advance()
    started.settle(ToolSucceeded("a", 1))
    started.durable("a")
    started.advance()
    assert started.progress == (1, 3)
