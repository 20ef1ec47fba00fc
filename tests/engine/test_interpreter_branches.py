"""Branches, activities, events and waits: what is forked, who waits for it, and what nobody waited for."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import commands as c
from engine.model.requests import AwaitBranches, CancelBranches
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault, wait_tool


def fork(**branches: list[dict[str, Any]]) -> dict[str, Any]:
    workflows = {name: {"tasks": {each["task_id"]: each for each in tasks}} for name, tasks in branches.items()}
    return op("parallel", "p", branch_workflows=workflows, result_key="fork")


WAIT = task("w", "p", function="wait", args=["{{fork}}"])


def fail(call: Call) -> Any:
    raise ToolFault(f"{call.key} is broken")


TOOLS = {"wait": wait_tool, "bad": fail}


def run(*tasks: dict[str, Any], tools: dict[str, Any] | None = None, **more: Any) -> PureRun:
    return PureRun(workflow(*tasks, **more), {**TOOLS, **(tools or {})}).run()


def test_a_fork_goes_on_at_once_and_its_data_lets_others_wait() -> None:
    done = run(fork(a=[task("x")], b=[task("y")]), WAIT, task("z", "w", args=["{{w.a.result.x.args}}"]))
    assert done.result("p") == {"fork": "p", "branches": {"a": "p.a", "b": "p.b"}}
    assert done.result("w")["b"] == {"status": "completed", "result": {"y": {"args": [], "kwargs": {}}}, "error": None}
    assert done.finish.outcome == "completed"


def test_a_branch_sees_what_its_templates_name_and_a_copy_of_the_variables() -> None:
    branch = task("x", args=["{{before.args}}", "{{v}}", "{{inputs.i}}", "{{i}}"])
    done = PureRun(
        workflow(
            task("before", args=[1]),
            task("other"),
            {**fork(a=[branch]), "dependencies": ["before", "other"]},
            WAIT,
            variables={"v": 2},
        ),
        TOOLS,
        {"i": 3},
    ).run()
    assert done.result("x", "p.a")["args"] == [[1], 2, 3, 3]
    assert done.tasks["p.a"].context == {"before": {"args": [1], "kwargs": {}}}


def test_branches_cannot_see_or_change_each_other() -> None:
    branch = [task("x", args=["{{x | default('mine')}}", "{{y | default('nothing')}}"])]
    done = run(fork(a=branch, b=[task("y")]), WAIT, task("after", "w", args=["{{x | default('nothing')}}"]))
    assert done.result("x", "p.a")["args"] == ["mine", "nothing"]
    assert done.result("after")["args"] == ["nothing"]


def test_branches_inside_loops_and_branches_have_keys_of_their_own() -> None:
    inner = {"inner": {"tasks": {"leaf": task("leaf", args=["{{item}}"])}}}
    nested = [op("parallel", "q", branch_workflows=inner)]
    loop = op("foreach", "f", items=["u", "v"], loop_body=[{**fork(a=nested)}])
    done = run(loop)
    assert set(done.tasks) == {"", "f[0]/p.a", "f[1]/p.a", "f[0]/p.a/q.inner", "f[1]/p.a/q.inner"}
    assert done.result("leaf", "f[1]/p.a/q.inner")["args"] == ["v"]


def test_a_failed_branch_fails_whoever_waits_for_it() -> None:
    done = run(fork(a=[task("x", function="bad")], b=[task("y")]), WAIT)
    assert done.finish.error is not None
    assert (done.finish.error.kind, done.finish.failed_key) == ("branch", "w")
    assert "x is broken" in done.finish.error.message


def test_a_failed_branch_that_nobody_waited_for_fails_the_run() -> None:
    done = run(fork(a=[task("x", function="bad")], b=[task("y")]), task("z", "p"))
    assert done.finish.error is not None
    assert (done.finish.error.kind, done.finish.failed_key) == ("branch", "p.a")
    assert done.outcome("z") == "succeeded"


def test_the_run_does_not_end_before_its_branches() -> None:
    done = run(fork(a=[op("wait", "x", wait_for="PT9S"), task("x2", "x")]))
    assert done.tasks["p.a"].finish is not None
    assert done.called() == ["p.a:x2"]


@pytest.mark.parametrize("tolerant", [True, False])
def test_a_failed_branch_of_which_a_step_was_told_does_not_fail_the_run_again(tolerant: bool) -> None:
    def wait(call: Call) -> Any:
        return AwaitBranches(call.args[0]["branches"], fail_on_error=not tolerant)

    steps = [fork(a=[task("x", function="bad")]), {**WAIT, "on_failure_task_id": "h"}, task("h"), task("z", "h")]
    for crash in (None, *range(1, 12)):
        pure = PureRun(workflow(*steps), {**TOOLS, "wait": wait})
        pure.crash_after = crash
        assert pure.run().finish.outcome == "completed", pure.finish
        assert pure.outcome("w") == ("succeeded" if tolerant else "failed")


def test_a_wait_for_branches_has_a_limit() -> None:
    slow = fork(a=[op("wait_for_event", "x", event_name="go")])
    waits = {**WAIT, "kwargs": {"timeout_seconds": 5}, "retry_policy": {"max_retries": 2, "delay": 0}}
    done = run(slow, waits)
    assert done.finish.error is not None
    assert done.finish.error.kind == "timeout"
    assert done.called() == ["w"]
    assert done.tasks["p.a"].finish is not None
    assert done.tasks["p.a"].finish.outcome == "cancelled"


def test_a_wait_for_some_of_the_branches_leaves_the_rest_to_the_end() -> None:
    wait = lambda call: AwaitBranches(call.args[0]["branches"], needed=1)  # noqa: E731
    done = run(fork(a=[task("x")], b=[op("wait", "y", wait_for=5)]), WAIT, task("z", "w"), tools={"wait": wait})
    assert done.finish.outcome == "completed"
    assert {name: each["status"] for name, each in done.result("w").items()} == {"a": "completed", "b": "running"}


def test_a_cancelled_branch_does_not_fail_the_run_that_cancelled_it() -> None:
    cancel = task("k", "p", function="cancel", args=["{{fork}}"])
    for crash in (None, *range(1, 8)):
        pure = PureRun(
            workflow(fork(a=[op("wait_for_event", "x", event_name="never")]), cancel),
            {"cancel": lambda call: CancelBranches(list(call.args[0]["branches"].values()))},
        )
        pure.crash_after = crash
        assert pure.run().finish.outcome == "completed"


def test_a_failing_run_cancels_its_branches_and_waits_for_them() -> None:
    done = run(fork(a=[op("wait_for_event", "x", event_name="never")]), task("z", "p", function="bad"))
    assert (done.finish.outcome, done.finish.failed_key) == ("failed", "z")
    assert done.tasks["p.a"].finish == c.Finish("cancelled")


def test_variables_of_a_branch_start_from_its_own() -> None:
    branch = {"a": {"tasks": {"x": task("x", args=["{{v}} {{u}}"])}, "variables": {"v": "own"}}}
    done = run(op("parallel", "p", branch_workflows=branch), variables={"v": "outer", "u": "shared"})
    assert done.result("x", "p.a")["args"] == ["own shared"]


def test_multi_choice_starts_the_branches_that_are_chosen() -> None:
    workflows = {name: {"tasks": {"x": task("x")}} for name in ("big", "red", "odd")}
    conditions = {"big": "{{n}} > 10", "red": "{{colour}} == 'red'", "odd": "{{n}} in [1, 3, 5]"}
    choice = op(
        "multi_choice",
        "p",
        branches={name: {"condition": text} for name, text in conditions.items()},
        branch_workflows=workflows,
        minimum_branches=1,
    )
    done = run(choice, variables={"n": 3, "colour": "red"})
    assert set(done.tasks) == {"", "p.red", "p.odd"}
    none = run(choice, variables={"n": 4, "colour": "blue"})
    assert none.finish.error is not None
    assert "at least 1" in none.finish.error.message
    assert run({**choice, "minimum_branches": 0}, variables={"n": 4, "colour": "blue"}).finish.outcome == "completed"


# -- activities


ACTIVITY = op("activity", "act", function="long", args=["{{a.args}}"], retry_policy={"max_retries": 1, "delay": 0})
DONE = op("wait_for_event", "done", "act", event_name="{{act.completion_event}}", timeout_seconds=60)


def test_an_activity_is_queued_and_its_end_is_an_event() -> None:
    done = run(task("a", args=[1]), {**ACTIVITY, "dependencies": ["a"]}, task("meanwhile", "act"), DONE)
    assert done.result("act") == {"activity_id": "act", "completion_event": "activity:act:completed"}
    assert done.tasks["act"].kind == "activity"
    assert done.tasks["act"].finish == c.Finish("completed", {"args": [[1]], "kwargs": {}})
    assert done.result("done")["result"] == {"args": [[1]], "kwargs": {}}


def test_an_activity_has_its_own_attempts_and_its_failure_is_not_lost() -> None:
    done = run(task("a"), {**ACTIVITY, "function": "bad", "dependencies": ["a"]})
    assert [call.attempt for call in done.calls if call.scope == "act"] == [1, 2]
    assert done.finish.error is not None
    assert (done.finish.error.kind, done.finish.failed_key) == ("branch", "act")


def test_reflexive_is_an_activity_of_one_tool() -> None:
    step = op("reflexive", "r", generator="tools.g", generator_kwargs={"p": "{{v}}"}, verifier="tools.v", max_turns=2)
    done = run(step, variables={"v": 1})
    (call,) = done.calls
    assert (call.tool, call.scope) == ("tools.agent.reflexive_loop", "r")
    assert call.kwargs == {
        "generator": "tools.g",
        "generator_kwargs": {"p": 1},
        "verifier": "tools.v",
        "verifier_kwargs": {},
        "max_turns": 2,
    }


# -- events and time


def test_an_event_of_a_branch_wakes_another() -> None:
    listener = [op("wait_for_event", "hear", event_name="said-{{v}}"), task("x", "hear", args=["{{hear.word}}"])]
    speaker = [
        op("wait", "hold", wait_for="PT1S"),
        op("emit_event", "say", "hold", event_name="said-{{v}}", payload={"word": "{{v}}"}),
    ]
    done = run(fork(a=listener, b=speaker), WAIT, variables={"v": 7})
    assert done.result("x", "p.a")["args"] == [7]
    assert done.result("say", "p.b") == {"event_name": "said-7", "payload": {"word": 7}}


def test_an_event_that_does_not_come_is_an_error_of_its_own_kind() -> None:
    done = run(op("wait_for_event", "e", event_name="never", timeout_seconds=3))
    assert done.finish.error is not None
    assert done.finish.error.kind == "event_timeout"
    assert "'never'" in done.finish.error.message


@pytest.mark.parametrize(
    ("wait_for", "timer"),
    [
        ("PT1.5S", c.StartTimer("a", seconds=1.5)),
        (4, c.StartTimer("a", seconds=4)),
        ("{{d}}", c.StartTimer("a", seconds=86_400)),
        ("{{n}}", c.StartTimer("a", seconds=2)),
        ("2026-01-31T12:00:00", c.StartTimer("a", until="2026-01-31T12:00:00+00:00")),
        ("2026-01-31T12:00:00+02:00", c.StartTimer("a", until="2026-01-31T12:00:00+02:00")),
        ("datetime:2026-01-31T12:00:00Z", c.StartTimer("a", until="2026-01-31T12:00:00+00:00")),
    ],
)
def test_waits(wait_for: Any, timer: c.StartTimer) -> None:
    done = run(op("wait", "a", wait_for=wait_for), variables={"d": "P1D", "n": 2})
    assert [command for _, command in done.commands if isinstance(command, c.StartTimer)] == [timer]
    assert done.outcome("a") == "succeeded"


def test_a_wait_for_something_that_is_no_time_fails() -> None:
    done = run(op("wait", "a", wait_for="{{d}}"), variables={"d": "soon"})
    assert done.finish.error is not None
    assert "'soon'" in done.finish.error.message
