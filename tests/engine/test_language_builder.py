"""What the public builder and the public Driver emit is read, sound, and does what its author meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from highway import Driver
from highway_dsl import Duration, JoinMode, WorkflowBuilder

from engine.language import check, read_definition, read_yaml
from engine.language.definition import Task, Wait
from engine.model.facts import ToolSucceeded
from tests.engine.pure_driver import PureRun, ToolFault, wait_tool


def as_json(builder: WorkflowBuilder) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(builder.build().to_json())
    assert [problem for problem in check(value) if problem.severity == "error"] == []
    return value


def everything() -> WorkflowBuilder:
    """One of each operator, as the builder likes to be used."""
    b = WorkflowBuilder("everything")
    b.task("a", "tools.x", args=["x"]).retry(2, Duration.minutes(90)).timeout(Duration.days(1)).on_failure("h")
    b.task("h", "tools.x").task("n", "tools.x")
    b.condition(
        "c",
        "{{n.args}} == []",
        lambda t: t.task("t1", "tools.x").foreach(
            "fe",
            "range(2)",
            lambda o: o.task("o1", "tools.x").foreach("fi", "range(2)", lambda i: i.task("i1", "tools.x")),
        ),
        lambda f: f.task("f1", "tools.x"),
    )
    b.wait("w", Duration.hours(1.5)).emit_event("ev", "said", payload={"k": "v"}).wait_for_event("wf", "said")
    b.multi_choice(
        "mc",
        {"One": ("1 == 1", lambda x: x.task("m1", "tools.x")), "Two": ("1 == 2", lambda x: x.task("m2", "tools.x"))},
    )
    b.parallel_with_join("p", {"A": lambda x: x.task("pa", "tools.x"), "B": lambda x: x.task("pb", "tools.x")})
    b.activity("act", "tools.x", args=[1])
    b.wait_for_event("act_done", "{{act.completion_event}}")
    b.reflexive("re", "tools.llm.call", "tools.x")
    b.switch("s", "{{n.args}}", {"[]": "s1", "[1]": "s2"})
    b.task("s1", "tools.x").task("s2", "tools.x")
    b.join("j", ["s1", "s2"], JoinMode.ALL_OF)
    return b


def test_every_operator_of_the_builder_runs_to_the_end() -> None:
    run = PureRun(as_json(everything()), {"tools.workflow.wait_for_parallel_branches": wait_tool}).run()
    assert run.finish.outcome == "completed", run.finish
    outcomes = run.outcomes()
    assert outcomes["h"] == "skipped"
    assert outcomes["f1"] == outcomes["s2"] == "skipped"
    assert outcomes["s1"] == outcomes["j"] == "succeeded"
    assert [key for key in run.called() if key.endswith("i1")] == [
        f"fe[{outer}]/fi[{inner}]/i1" for outer in range(2) for inner in range(2)
    ]
    assert set(run.tasks) == {"", "mc.One", "p.A", "p.B", "act", "re"}


def test_yaml_of_the_builder_is_the_same_workflow() -> None:
    built = everything().build()
    assert read_definition(read_yaml(built.to_yaml())) == read_definition(json.loads(built.to_json()))


def test_durations_of_the_builder_are_read() -> None:
    definition = read_definition(as_json(everything()))
    first, wait = definition.tasks["a"], definition.tasks["w"]
    assert isinstance(first, Task)
    assert isinstance(wait, Wait)
    assert first.retry_policy is not None
    assert (first.retry_policy.delay, first.attempt_timeout) == (5_400, 86_400)
    assert wait.wait_for == "PT1H30M"


def test_a_handler_lets_the_chain_go_on_whether_it_was_needed_or_not() -> None:
    b = WorkflowBuilder("w")
    b.task("a", "tools.a").on_failure("h").task("h", "tools.h", args=["{{failed_task_id}}: {{error_message}}"]).task(
        "n", "tools.x"
    )

    def fails(_call: Any) -> Any:
        raise ToolFault("no luck")

    assert PureRun(as_json(b)).run().outcomes() == {"a": "succeeded", "h": "skipped", "n": "succeeded"}
    run = PureRun(as_json(b), {"tools.a": fails}).run()
    assert (run.finish.outcome, run.outcome("n")) == ("completed", "succeeded")
    assert run.result("h")["args"] == ["a: no luck"]


def test_loops_inside_conditions_inside_loops_run_where_they_stand() -> None:
    b = WorkflowBuilder("w")
    b.foreach(
        "outer",
        "range(2)",
        lambda o: o.task("first", "tools.x").condition(
            "even",
            "{{item}} == 0",
            lambda t: t.while_loop(
                "inner", "{{loop.index}} < 0 or {{step.n | default(0)}} < 2", lambda i: i.task("step", "step")
            ),
            lambda f: f.task("odd", "tools.x"),
        ),
    )
    b.task("after", "tools.x")
    seen: list[int] = []

    def step(_call: Any) -> Any:
        seen.append(1)
        return {"n": len(seen)}

    value = json.loads(b.build().to_json())
    value["tasks"]["outer"]["loop_body"][1]["condition"] = "{{item}} == 0"
    text = json.dumps(value).replace("{{loop.index}} < 0 or ", "")
    run = PureRun(json.loads(text), {"step": step}).run()
    assert run.finish.outcome == "completed"
    assert [key for key in run.called() if "step" in key] == ["outer[0]/inner[0]/step", "outer[0]/inner[1]/step"]
    assert run.outcome("outer[1]/inner") == "skipped"
    assert run.outcome("outer[1]/odd") == "succeeded"


@pytest.fixture
def driver() -> Driver:
    made = Driver(name="from-driver", api_key="hw_k1_test")

    @made.task(shell=True)  # noqa: S604 - no process is started here
    def greet() -> str:
        return "echo {{inputs.who}}"

    @made.task(py=True, depends=["greet"])
    def items() -> Any:
        return {"item_list": [1, 2]}

    @made.foreach(items="{{items_result.item_list}}", depends=["items"])
    def each() -> str:
        return "{{current_item}}"

    @made.task(tool="tools.x", depends=["each"], retries=2, retry_delay=0.5, backoff=3.0)
    def flaky() -> Any:
        return {"message": "{{greet_result.stdout}}"}

    return made


def test_the_drivers_workflow_is_read_and_runs(driver: Driver) -> None:
    value = driver._build_workflow(workflow_timeout=60, inputs={"who": "Ada"})
    assert [problem for problem in check(value, inputs=[]) if problem.severity == "error"] == []
    answers = {
        "tools.shell.run": lambda call: {"stdout": call.args[0], "stderr": "", "returncode": 0},
        "tools.code.exec": lambda call: (
            {"item_list": [1, 2]} if call.key == "items" else {"code": call.kwargs["timeout"]}
        ),
    }
    run = PureRun(value, answers).run()
    assert run.finish.outcome == "completed"
    assert run.called() == ["greet", "items", "each[0]/each_body", "each[1]/each_body", "flaky"]
    assert run.result("each") == {"count": 2, "results": [{"code": 300}, {"code": 300}]}
    assert run.result("flaky")["kwargs"] == {"message": "echo Ada"}


def test_the_drivers_retries_are_honoured(driver: Driver) -> None:
    value = driver._build_workflow(inputs={"who": "Ada"})

    def flaky(call: Any) -> Any:
        if call.attempt < 3:
            raise ToolFault
        return ToolSucceeded(call.key, {"attempt": call.attempt})

    answers = {
        "tools.shell.run": lambda call: {"stdout": call.args[0]},
        "tools.code.exec": lambda _call: {"item_list": []},
        "tools.x": flaky,
    }
    run = PureRun(value, answers).run()
    assert run.finish.outcome == "completed"
    assert run.record("flaky").attempt == 3
    assert [command.delay_seconds for _, command in run.commands if hasattr(command, "delay_seconds")] == [0.5, 1.5]
