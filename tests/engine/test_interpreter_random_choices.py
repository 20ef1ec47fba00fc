"""Random graphs with choices, handlers, joins and loops: whatever they look like, they end, and what must hold holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.language import check
from tests.engine.definitions import op, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault

RULES = ["all_success", "all_success", "all_done", "none_failed", "one_success", "one_done"]
MODES = ["all_of", "any_of", "all_success", "one_success"]


@st.composite
def graphs(draw: st.DrawFn, depth: int = 1) -> list[dict[str, Any]]:
    """Steps that depend on earlier ones only; choices take their targets from later ones."""
    count = draw(st.integers(2, 9))
    names = [f"{'abc'[depth]}{index}" for index in range(count)]
    steps = [draw(any_step(names, index, depth)) for index in range(count)]
    for index, step in enumerate(steps):
        later = names[index + 1 :]
        if later and step["operator_type"] == "task" and draw(st.integers(0, 4)) == 0:
            step[draw(st.sampled_from(["on_failure_task_id", "on_success_task_id"]))] = draw(st.sampled_from(later))
    return steps


@dataclass
class Place:
    """Where a step is made: its name, those before and after it, how deep loops may still go."""

    name: str
    earlier: list[str]
    later: list[str]
    depth: int


@st.composite
def any_step(draw: st.DrawFn, names: list[str], index: int, depth: int) -> dict[str, Any]:
    place = Place(names[index], names[:index], names[index + 1 :], depth)
    after = draw(st.lists(st.sampled_from(place.earlier), unique=True, max_size=3)) if place.earlier else []
    kinds = ["task", "task", "task", "bad", "wait"]
    if place.later:
        kinds += ["condition", "switch"]
    if place.earlier:
        kinds += ["join", "join", "terminate"]
    if depth:
        kinds += ["foreach"]
    kind = draw(st.sampled_from(kinds))
    special = draw(SPECIAL[kind](place)) if kind in SPECIAL else {"function": kind}
    operator = kind if kind in SPECIAL else "task"
    return op(operator, place.name, *after, trigger_rule=draw(st.sampled_from(RULES)), **special)


@st.composite
def conditions(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    sides = draw(st.lists(st.sampled_from([*place.later, None]), min_size=2, max_size=2))
    return {"condition": draw(st.sampled_from(["1 == 1", "1 == 2"])), "if_true": sides[0], "if_false": sides[1]}


@st.composite
def switches(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    targets = draw(st.lists(st.sampled_from(place.later), min_size=1, max_size=3))
    cases = {str(number): target for number, target in enumerate(targets)}
    return {"switch_on": draw(st.sampled_from("0129")), "cases": cases}


@st.composite
def joins(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    named = draw(st.lists(st.sampled_from(place.earlier), unique=True, min_size=1, max_size=3))
    return {"join_tasks": named, "join_mode": draw(st.sampled_from(MODES))}


@st.composite
def loops(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    return {"items": "range(2)", "loop_body": draw(graphs(place.depth - 1)), "parallel": draw(st.booleans())}


SPECIAL = {
    "condition": conditions,
    "switch": switches,
    "join": joins,
    "foreach": loops,
    "wait": lambda _place: st.just({"wait_for": 1}),
    "terminate": lambda _place: st.just({}),
}


def bad(call: Call) -> Any:
    raise ToolFault(call.key)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(graphs(), st.integers(1, 25))
def test_every_sound_graph_ends_the_same_with_a_crash_and_without(steps: list[dict[str, Any]], crash: int) -> None:
    definition = workflow(*steps)
    assume(not any(problem.severity == "error" for problem in check(definition)))
    run = PureRun(definition, {"bad": bad}).run()
    assert run.finish.error is None or run.finish.error.kind != "internal", "the graph got stuck"
    assert_sound(steps, run)
    again = PureRun(definition, {"bad": bad})
    again.crash_after = crash
    again.run()
    if any(step["operator_type"] == "terminate" for _, step in all_steps(steps)):
        return  # what has come to pass before the end is a matter of time
    assert again.finish.outcome == run.finish.outcome
    if run.finish.outcome == "completed":
        assert again.outcomes() == run.outcomes()


def all_steps(steps: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every step with its depth, those in loops included."""
    for step in steps:
        yield 0, step
        yield from ((depth + 1, inner) for depth, inner in all_steps(step.get("loop_body", [])))


def assert_sound(steps: list[dict[str, Any]], run: PureRun) -> None:
    """Every task has one outcome; nothing runs that its choice did not let run, and no handler without its cause."""
    outcomes = run.outcomes()
    assert {step["task_id"] for step in steps} <= outcomes.keys()
    ran = {name for name, outcome in outcomes.items() if outcome != "skipped"}
    for step in steps:
        targets = {step.get("if_true"), step.get("if_false"), *step.get("cases", {}).values()} - {None}
        gates = [
            each
            for each in steps
            if step["task_id"] in {each.get("if_true"), each.get("if_false"), *each.get("cases", {}).values()}
        ]
        if step["task_id"] in ran and gates:
            assert any(chose(each, run) == step["task_id"] for each in gates)
        if step["operator_type"] in {"condition", "switch"} and outcomes[step["task_id"]] == "succeeded":
            assert chose(step, run) in targets | {None}
        owners = [
            each
            for each in steps
            if step["task_id"] in {each.get("on_failure_task_id"), each.get("on_success_task_id")}
        ]
        if step["task_id"] in ran and owners:
            assert any(
                outcomes[each["task_id"]]
                == ("failed" if each.get("on_failure_task_id") == step["task_id"] else "succeeded")
                or (each.get("on_success_task_id") == step["task_id"] and outcomes[each["task_id"]] == "succeeded")
                for each in owners
            )


def chose(step: dict[str, Any], run: PureRun) -> str | None:
    record = run.tasks[""].records[step["task_id"]]
    if record.outcome != "succeeded":
        return None
    result: Any = record.result
    if step["operator_type"] == "switch":
        return result["target"]  # type: ignore[no-any-return]
    return step["if_true"] if result["value"] else step["if_false"]
