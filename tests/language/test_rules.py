"""Random graphs and nests of all operators, run by the interpreter and by the plain model of the rules: every task ends the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from engine.language import check
from tests.engine.definitions import op, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault, wait_tool
from tests.language.model import Ended, Unsettled, run

RULES = ["all_success", "all_success", "all_success", "all_done", "none_failed", "one_success", "one_done"]
MODES = ["all_of", "any_of", "all_success", "one_success"]
WORDS = {"succeeded": "succeeded", "failed": "failed", "skipped": "skipped", "lost": "skipped", "neutral": "skipped"}


@dataclass
class Place:
    """Where a step is made: those before it, those behind it, how deep loops and branches may still go, and whether it is in a loop."""

    earlier: list[dict[str, Any]]
    later: list[str]
    depth: int
    in_loop: bool


@st.composite
def graphs(draw: st.DrawFn, depth: int = 2, in_loop: bool = False, prefix: str = "t") -> list[dict[str, Any]]:
    """Steps that depend on earlier ones; choices and handlers name later ones, which may be named by several."""
    names = [f"{prefix}{index}" for index in range(draw(st.integers(1, 8 if depth == 2 else 4)))]
    steps: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        place = Place(list(steps), names[index + 1 :], depth, in_loop)
        after = draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=2)) if index else []
        kind = draw(st.sampled_from(_kinds(place)))
        operator, special = draw(_STEPS[kind](name, place))
        if kind == "wait":
            after = list(dict.fromkeys([*after, special["args"][0].strip("{}")]))
        step = op(operator, name, *after, trigger_rule=draw(st.sampled_from(RULES)), **special)
        if place.later and operator in {"task", "foreach"} and draw(st.integers(0, 2)) == 0:
            step[draw(st.sampled_from(["on_failure_task_id", "on_success_task_id"]))] = draw(
                st.sampled_from(place.later)
            )
        steps.append(step)
    return steps


def _kinds(place: Place) -> list[str]:
    kinds = ["good", "good", "good", "bad", "flaky"]
    kinds += ["condition", "switch"] if place.later else []
    kinds += ["join"] if place.earlier else []
    kinds += ["foreach", "parallel"] if place.depth else []
    return kinds + (["wait"] if any(step["operator_type"] == "parallel" for step in place.earlier) else [])


def _call(function: str) -> Any:
    @st.composite
    def made(draw: st.DrawFn, _name: str, _place: Place) -> tuple[str, dict[str, Any]]:
        retry = {"max_retries": draw(st.integers(0, 2)) if function == "flaky" else 0, "delay": 1}
        return "task", {
            "function": function,
            "args": [draw(st.integers(0, 2))] if function == "flaky" else [],
            "retry_policy": retry,
        }

    return made


@st.composite
def _condition(draw: st.DrawFn, _name: str, place: Place) -> tuple[str, dict[str, Any]]:
    sides = draw(st.lists(st.sampled_from([*place.later, None]), min_size=2, max_size=2))
    conditions = ["1 == 1", "1 == 2", *(["{{item}} == 0"] if place.in_loop else [])]
    return "condition", {"condition": draw(st.sampled_from(conditions)), "if_true": sides[0], "if_false": sides[1]}


@st.composite
def _switch(draw: st.DrawFn, _name: str, place: Place) -> tuple[str, dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(place.later), min_size=1, max_size=3))
    default = draw(st.sampled_from([None, *place.later]))
    return "switch", {
        "switch_on": draw(st.sampled_from("0129")),
        "cases": {str(n): each for n, each in enumerate(chosen)},
        "default": default,
    }


@st.composite
def _join(draw: st.DrawFn, _name: str, place: Place) -> tuple[str, dict[str, Any]]:
    earlier = [step["task_id"] for step in place.earlier]
    named = draw(st.lists(st.sampled_from(earlier), unique=True, min_size=1, max_size=3))
    return "join", {"join_tasks": named, "join_mode": draw(st.sampled_from(MODES))}


@st.composite
def _foreach(draw: st.DrawFn, name: str, place: Place) -> tuple[str, dict[str, Any]]:
    rounds = draw(st.integers(0, 2))
    body = draw(graphs(place.depth - 1, True, f"{name}_"))
    return "foreach", {
        "items": f"range({rounds})",
        "rounds": rounds,
        "loop_body": body,
        "parallel": draw(st.booleans()),
    }


@st.composite
def _parallel(draw: st.DrawFn, name: str, place: Place) -> tuple[str, dict[str, Any]]:
    branches = {}
    for branch in "AB"[: draw(st.integers(1, 2))]:
        steps = draw(graphs(place.depth - 1, False, f"{name}_{branch}"))
        branches[branch] = {"tasks": {step["task_id"]: step for step in steps}}
    return "parallel", {"branch_workflows": branches}


@st.composite
def _wait(draw: st.DrawFn, _name: str, place: Place) -> tuple[str, dict[str, Any]]:
    forks = [step["task_id"] for step in place.earlier if step["operator_type"] == "parallel"]
    return "task", {
        "function": "wait",
        "args": [f"{{{{{draw(st.sampled_from(forks))}}}}}"],
        "retry_policy": {"max_retries": 0, "delay": 1},
    }


_STEPS: dict[str, Any] = {
    **{name: _call(name) for name in ("good", "bad", "flaky")},
    "condition": _condition,
    "switch": _switch,
    "join": _join,
    "foreach": _foreach,
    "parallel": _parallel,
    "wait": _wait,
}


def bad(call: Call) -> Any:
    raise ToolFault(call.key)


def flaky(call: Call) -> Any:
    if call.attempt <= call.args[0]:
        raise ToolFault(call.key)
    return call.attempt


TOOLS = {"bad": bad, "flaky": flaky, "wait": wait_tool}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_every_task_ends_as_the_rules_say(steps: list[dict[str, Any]]) -> None:
    assert_as_the_rules_say(steps)


def assert_as_the_rules_say(steps: list[dict[str, Any]]) -> None:
    """The interpreter's run beside the model's."""
    definition = workflow(*steps)
    if any(problem.severity == "error" for problem in check(definition)):
        reject()
    try:
        expected = run(steps)
    except Unsettled:
        reject()
    made = PureRun(definition, TOOLS).run()
    assert made.finish.outcome == ("failed" if expected.failed else "completed"), made.finish
    if (
        not expected.failed
    ):  # a run that must fail starts less than the rules would let it, and how much less is a matter of time
        assert_same(made, "", "", expected)


def assert_same(made: PureRun, scope: str, prefix: str, expected: Ended) -> None:
    """All tasks of a graph that did not fail, and of those inside it."""
    found = made.outcomes(scope)
    for name, word in expected.told.items():
        assert found[prefix + name] == WORDS[word], (prefix + name, word)
    for inside, ended in expected.inner.items():
        if not ended.failed:
            assert_same(made, scope, inside, ended)
    for key, branch in expected.branches.items():
        assert made.tasks[f"{scope}/{key}" if scope else key].finish.outcome == (
            "failed" if branch.failed else "completed"
        )  # type: ignore[union-attr]
        if not branch.failed:
            assert_same(made, f"{scope}/{key}" if scope else key, "", branch)


def good(name: str, *after: str, **more: Any) -> dict[str, Any]:
    """A task that succeeds."""
    return op("task", name, *after, trigger_rule="all_success", function="good", args=[], retry_policy=ONCE, **more)


ONCE = {"max_retries": 0, "delay": 1}


def test_behind_a_handler_of_a_handler_that_was_not_needed_the_graph_goes_on() -> None:
    steps = [good("a", on_failure_task_id="h"), good("h", on_failure_task_id="hh"), good("hh"), good("next", "hh")]
    assert_as_the_rules_say(steps)
    assert PureRun(workflow(*steps)).run().outcomes() == {
        "a": "succeeded",
        "h": "skipped",
        "hh": "skipped",
        "next": "succeeded",
    }


def test_behind_a_target_of_a_choice_that_was_not_needed_nothing_runs() -> None:
    choice = op("condition", "c", condition="1 == 1", if_true="t", trigger_rule="all_success")
    steps = [good("a", on_failure_task_id="c"), choice, good("t", "c"), good("inside", "t"), good("behind", "c")]
    assert_as_the_rules_say(steps)
    found = PureRun(workflow(*steps)).run().outcomes()
    assert found == {"a": "succeeded", "c": "skipped", "t": "skipped", "inside": "skipped", "behind": "succeeded"}


def test_behind_a_choice_that_was_not_needed_it_goes_by_the_owner() -> None:
    """``c`` is for the success of a task that has failed and is handled: what waits for ``c`` is skipped by that failure."""
    failing = good("a", on_success_task_id="c", on_failure_task_id="h") | {"function": "bad"}
    choice = op("condition", "c", condition="1 == 1", if_true="t", trigger_rule="all_success")
    steps = [failing, choice, good("t", "c"), good("behind", "c"), good("h"), good("on", "h")]
    assert_as_the_rules_say(steps)
    run_of_it = PureRun(workflow(*steps), TOOLS).run()
    assert (run_of_it.finish.outcome, run_of_it.outcome("behind"), run_of_it.outcome("on")) == (
        "completed",
        "skipped",
        "succeeded",
    )
