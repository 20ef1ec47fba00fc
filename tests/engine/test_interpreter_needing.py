"""Loops that need only some of their rounds: rounds are branches, of which so many must end."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import pytest

from engine.language import check, read_definition
from engine.language.problems import DefinitionError
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault

EVENT = op("wait_for_event", "heard", event_name="go_{{item}}")


def foreach(*body: dict[str, Any], items: Any = ("a", "b", "c"), **more: Any) -> dict[str, Any]:
    return op("foreach", "f", items=list(items), loop_body=list(body), **{"parallel": True, "needed": 2, **more})


def emit(name: str, *dependencies: str) -> dict[str, Any]:
    return op("emit_event", f"emit_{name}", *dependencies, event_name=f"go_{name}")


def test_the_loop_ends_with_the_rounds_that_are_needed_and_the_run_with_all() -> None:
    fork = foreach(EVENT, task("say", "heard", args=["{{item}} {{loop.number}} of {{loop.count}}"]))
    run = PureRun(
        workflow(emit("c"), emit("a"), fork, task("after", "f", args=["{{f.ended}}"]), emit("b", "after"))
    ).run()
    assert run.finish.outcome == "completed"
    assert run.result("after")["args"] == [[0, 2]]
    result = run.result("f")
    assert (result["count"], result["ended"]) == (3, [0, 2])
    said = [each["args"] if each else None for each in result["results"]]
    assert said == [["a 1 of 3"], None, ["c 3 of 3"]]
    assert [call.scope for call in run.calls if call.key == "say"][
        -1
    ] == "f[1]"  # it went on, and the run waited for it


def test_the_others_are_cancelled_where_the_author_says_so() -> None:
    run = PureRun(workflow(emit("c"), emit("a"), foreach(EVENT, task("say", "heard"), cancel_rest=True))).run()
    assert run.finish.outcome == "completed"
    assert run.result("f")["ended"] == [0, 2]
    finish = run.tasks["f[1]"].finish
    assert finish is not None
    assert finish.outcome == "cancelled"
    assert [call.scope for call in run.calls] == ["f[0]", "f[2]"]


def broken(call: Call) -> Any:
    if call.args[0] == "b":
        raise ToolFault("b is broken")
    return call.args[0]


def test_a_round_that_has_failed_by_then_fails_the_loop_and_a_later_one_the_run() -> None:
    at_once = foreach(task("say", function="broken", args=["{{item}}"]), needed=3)
    run = PureRun(workflow(at_once), {"broken": broken}).run()
    assert (run.finish.outcome, run.finish.failed_key) == ("failed", "f")
    assert run.finish.error is not None
    assert run.finish.error.message == "round 1 failed: b is broken"
    later = foreach(EVENT, task("say", "heard", function="broken", args=["{{item}}"]))
    run = PureRun(
        workflow(emit("a"), emit("c"), later, task("after", "f"), emit("b", "after")), {"broken": broken}
    ).run()
    assert (run.finish.outcome, run.finish.failed_key, run.outcome("f")) == ("failed", "f[1]", "succeeded")


def test_a_run_that_fails_meanwhile_cancels_the_rounds() -> None:
    run = PureRun(workflow(foreach(EVENT), task("b", function="broken", args=["b"])), {"broken": broken}).run()
    assert (run.finish.outcome, run.outcome("f")) == ("failed", "skipped")
    ends = [run.tasks[f"f[{index}]"].finish for index in range(3)]
    assert [end.outcome for end in ends if end] == ["cancelled"] * 3


@pytest.mark.parametrize("commits", range(1, 12))
def test_nothing_is_forked_twice_wherever_the_worker_dies(commits: int) -> None:
    definition = workflow(
        task("first"),
        foreach(task("say", args=["{{item}} {{first.args}}"]), dependencies=["first"]),
        task("after", "f"),
    )
    pure = PureRun(definition)
    pure.crashes = chain(repeat(False, commits - 1), [True], repeat(False))
    run = pure.run()
    assert run.finish.outcome == "completed"
    assert len({call.scope for call in run.calls if call.key == "say"}) == 3


def test_rounds_see_what_is_around_them_and_keep_their_variables_and_inner_loops() -> None:
    inner = op("foreach", "g", items=["x", "y"], loop_body=[task("deep", args=["{{outer}}{{item}}{{up.args[0]}}"])])
    setter = task("outer", function="same", args=["{{item}}"])
    fork = foreach(setter, {**inner, "dependencies": ["outer"]}, items="ab", needed=2, dependencies=["up"])
    run = PureRun(workflow(task("up", args=["!"]), fork), {"same": lambda call: call.args[0]}).run()
    assert [each["count"] for each in run.result("f")["results"]] == [2, 2]
    assert sorted(call.args[0] for call in run.calls if call.key.endswith("deep")) == ["ax!", "ay!", "bx!", "by!"]


def test_a_loop_inside_a_round_of_another_has_branches_of_its_own() -> None:
    outer = op("foreach", "o", items=[1, 2], loop_body=[foreach(task("say", args=["{{item}}"]), items="ab", needed=1)])
    run = PureRun(workflow(outer)).run()
    assert run.finish.outcome == "completed"
    assert sorted(run.tasks) == ["", "o[0]/f[0]", "o[0]/f[1]", "o[1]/f[0]", "o[1]/f[1]"]


def test_more_rounds_than_there_are_items_cannot_be_needed() -> None:
    run = PureRun(workflow(foreach(task("b"), items="a"))).run()
    assert run.finish.error is not None
    assert run.finish.error.message == "2 rounds are needed, and there are 1 items"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"parallel": False}, "parallel"),
        ({"dynamic": True}, "dynamic"),
        ({"needed": 0}, "greater than or equal to 1"),
        ({"needed": None, "cancel_rest": True}, "say how many"),
        ({"needed": "{{n}}"}, "whole number"),
    ],
)
def test_what_cannot_be_needed_is_refused(more: dict[str, Any], word: str) -> None:
    (problem,) = check(workflow(foreach(task("b"), **more)))
    assert word in problem.message
    with pytest.raises(DefinitionError):
        read_definition(workflow(foreach(task("b"), **more)))


def test_the_public_builder_says_it_in_metadata() -> None:
    said = foreach(task("b"), needed=None, metadata={"needed": 2, "cancel_rest": True})
    loop = read_definition(workflow(said)).tasks["f"]
    assert (loop.needed, loop.cancel_rest) == (2, True)  # type: ignore[union-attr]
    plain = foreach(task("b"), needed=None, cancel_rest=None)
    assert read_definition(workflow(plain)).tasks["f"].needed is None  # type: ignore[union-attr]
