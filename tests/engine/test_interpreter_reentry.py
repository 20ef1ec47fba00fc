"""A worker may die after any commit: the next one, told only what is durable, comes to the same end and does nothing twice that was recorded."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from engine.interpreter import Execution, compile_program
from engine.language import read_definition
from engine.model import commands as c
from engine.model.facts import Recorded, TaskInfo, ToolAsked, ToolSucceeded, Waiting, WaitOver
from engine.model.requests import AwaitBranches
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault, wait_tool

EXAMPLES = Path(__file__).parents[1] / "workflow_examples"
INFO = TaskInfo(UUID(int=1), UUID(int=2), "", {})


def flaky(call: Call) -> Any:
    if call.attempt < 3:
        raise ToolFault(f"attempt {call.attempt}")
    return {"stdout": f"{call.key} at {call.attempt}"}


def broken(call: Call) -> Any:
    raise ToolFault(f"{call.key} is broken")


def add(call: Call) -> Any:
    return ToolSucceeded(call.key, call.args[0] + 1, {"n": call.args[0] + 1})


TOOLS: dict[str, Any] = {"flaky": flaky, "bad": broken, "add": add, "wait": wait_tool}
RETRY = {"max_retries": 2, "delay": "PT1S"}

BRANCHES = {
    "a": {"tasks": {"x": task("x", function="flaky", retry_policy=RETRY), "y": task("y", "x", args=["{{x.stdout}}"])}},
    "b": {
        "tasks": {"hear": op("wait_for_event", "hear", event_name="go"), "z": task("z", "hear", args=["{{hear.k}}"])}
    },
    "c": {"tasks": {"r": task("r", function="bad", on_failure_task_id="h"), "h": task("h"), "n": task("n", "h")}},
}
EVERYTHING = workflow(
    task("start", function="flaky", retry_policy=RETRY, result_key="first"),
    op("parallel", "fork", "start", branch_workflows=BRANCHES, result_key="data"),
    op("wait", "pause", "fork", wait_for="PT2S"),
    op("emit_event", "go", "pause", event_name="go", payload={"k": "{{first.stdout}}"}),
    task("gather", "fork", function="wait", args=["{{data}}"]),
    op("condition", "c", "gather", "go", condition="{{gather.b.status}} == 'completed'", if_true="t", if_false="f"),
    task("t", "c"),
    task("f", "c"),
    op("switch", "s", "c", switch_on="{{t.args}}", cases={"[]": "s1", "x": "s2"}),
    task("s1", "s"),
    task("s2", "s1"),
    op("join", "j", "s", join_tasks=["s1", "s2"], join_mode="all_success"),
    op(
        "foreach",
        "each",
        "j",
        items="range(2)",
        loop_body=[task("e1", args=["{{item}}"]), op("wait", "e2", "e1", wait_for=1)],
    ),
    op(
        "foreach",
        "all",
        "each",
        items="range(3)",
        parallel=True,
        loop_body=[task("p1", function="flaky", retry_policy=RETRY)],
    ),
    op("while", "loop", "all", condition="{{n}} < 3", loop_body=[task("inc", function="add", args=["{{n}}"])]),
    op("activity", "act", "loop", function="flaky", retry_policy=RETRY),
    op("wait_for_event", "act_done", "act", event_name="{{act.completion_event}}"),
    task("fails", "act_done", function="bad", on_failure_task_id="handler"),
    task("handler", args=["{{failed_task_id}}"]),
    task("end", "handler", args=["{{n}}", "{{act_done.result.stdout}}"]),
    variables={"n": 0},
)
FAILING = workflow(
    task("a"),
    op("parallel", "fork", "a", branch_workflows={"b": {"tasks": {"x": op("wait_for_event", "x", event_name="no")}}}),
    op("foreach", "each", "fork", items="range(3)", loop_body=[task("b", function="bad")]),
    task("clean", "each", trigger_rule="all_done"),
    task("never", "each"),
)
STOPPED = workflow(
    task("a"),
    op("parallel", "fork", "a", branch_workflows={"b": {"tasks": {"x": op("wait", "x", wait_for=5)}}}),
    op("terminate", "stop", "fork", status="cancelled", reason="enough"),
    task("never", "stop"),
)
WORKFLOWS = {"everything": EVERYTHING, "failing": FAILING, "stopped": STOPPED}


def story(run: PureRun) -> dict[str, Any]:
    """What is durable at the end of a run."""
    return {
        f"{scope}:{key}": (record.operator, record.outcome, record.result, record.reason, record.attempt)
        for scope, each in run.tasks.items()
        for key, record in each.records.items()
    }


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_crash_after_any_commit_changes_nothing_at_the_end(name: str) -> None:
    whole = PureRun(WORKFLOWS[name], TOOLS).run()
    for crash in range(1, whole.commits + 1):
        run = PureRun(WORKFLOWS[name], TOOLS)
        run.crash_after = crash
        run.run()
        assert story(run) == story(whole), f"crash after commit {crash}"
        assert run.finish == whole.finish


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", WORKFLOWS)
def test_crashes_again_and_again_change_nothing_at_the_end(name: str, seed: int) -> None:
    whole = PureRun(WORKFLOWS[name], TOOLS).run()
    run = PureRun(WORKFLOWS[name], TOOLS)
    chance = Random(seed)  # noqa: S311 - it only has to be the same every time
    run.crashes = iter(lambda: chance.random() < 0.3, None)
    assert story(run.run()) == story(whole)
    assert run.finish == whole.finish


def test_everything_runs_as_it_should() -> None:
    run = PureRun(EVERYTHING, TOOLS).run()
    assert run.finish.outcome == "completed", run.finish
    assert run.result("end")["args"] == [3, "act at 3"]
    assert run.result("z", "fork.b")["args"] == ["start at 3"]
    assert run.outcome("s2") == "skipped"


def execution(definition: dict[str, Any], recorded: list[Recorded], waiting: list[Waiting]) -> Execution:
    return Execution(compile_program(read_definition(definition)), INFO, recorded, waiting)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (op("wait", "a", wait_for="PT5S"), "timer"),
        (op("wait_for_event", "a", event_name="x"), "event"),
        (task("a", retry_policy=RETRY), "retry"),
        (op("child_workflow", "a", children={"x": {"workflow_name": "y"}}), "tasks"),
    ],
)
def test_an_open_wait_is_not_begun_again(step: dict[str, Any], kind: Any) -> None:
    again = execution(workflow(step), [], [Waiting("a", kind, attempt=1)])
    assert again.advance() == []


def test_a_retry_goes_on_with_the_next_attempt() -> None:
    again = execution(workflow(task("a", retry_policy=RETRY)), [], [Waiting("a", "retry", attempt=2, over=True)])
    again.settle(WaitOver("a"))
    (call,) = again.advance()
    assert isinstance(call, c.CallTool)
    assert call.attempt == 3


def test_a_tool_that_ran_when_its_worker_died_is_called_again() -> None:
    again = execution(workflow(task("a"), task("b", "a")), [Recorded("a", "task", "succeeded", 1)], [])
    (call,) = again.advance()
    assert (call.key, call.attempt) == ("b", 1)  # type: ignore[union-attr]


def test_a_wait_for_branches_knows_what_was_asked() -> None:
    definition = workflow(task("w"))
    begun = execution(definition, [], [])
    begun.advance()
    begun.settle(ToolAsked("w", AwaitBranches({"x": "p.x"}, single=True)))
    (wait,) = begun.advance()
    assert isinstance(wait, c.AwaitTasks)
    again = execution(definition, [], [Waiting("w", "tasks", request=wait.request)])
    again.settle(WaitOver("w", payload={"p.x": {"status": "completed", "result": 5, "error": None}}))
    (record,) = again.advance()
    assert isinstance(record, c.Record)
    assert record.result == {"status": "completed", "result": 5, "error": None}


@pytest.mark.parametrize("name", ["demo_v2", "disaster_recovery", "ultimate_correctness"])
def test_the_golden_workflows_can_be_left_and_entered_after_any_commit(name: str) -> None:
    built = runpy.run_path(str(EXAMPLES / f"{name}.py"))["get_workflow"]()
    definition = json.loads(built.to_json())

    def tools() -> dict[str, Any]:
        def shell(call: Call) -> Any:
            if "sleep 60" in call.args[0] or "exit 7" in call.args[0] or call.args[0] == "exit 1":
                raise ToolFault("it ended badly")
            if "HIGHWAY_ATTEMPT" in call.args[0] and call.attempt < 3:
                raise ToolFault("not yet")
            return {"stdout": f"<{call.key} {call.args[0].count('<')}>", "stderr": "", "returncode": 0}

        counters: dict[str, dict[str, int]] = {}

        def increment(call: Call) -> Any:
            by_step = counters.setdefault(call.args[0], {})
            by_step.setdefault(f"{call.scope}/{call.key}", len(by_step) + 1)  # transactional: a step counts once
            return {"name": call.args[0], "value": by_step[f"{call.scope}/{call.key}"]}

        def append(call: Call) -> Any:
            return ToolSucceeded(call.key, None, {call.args[0]: "x" * (1 + int(call.key[len("rounds_loop[")]))})

        return {
            "tools.shell.run": shell,
            "tools.simple_counter.increment": increment,
            "tools.simple_counter.get": lambda call: {
                "name": call.args[0],
                "value": len(counters.get(call.args[0], {})),
            },
            "tools.memory.append": append,
            "tools.workflow.wait_for_parallel_branches": wait_tool,
            "tools.workflow.wait_for_branch": lambda call: AwaitBranches(
                {call.args[1]: call.args[0]["branches"][call.args[1]]}, single=True
            ),
        }

    whole = PureRun(definition, tools()).run()
    assert whole.finish.outcome == "completed", whole.finish
    for crash in range(1, whole.commits + 1):
        run = PureRun(definition, tools())
        run.crash_after = crash
        assert story(run.run()) == story(whole), f"crash after commit {crash}"
