"""Random graphs against a plain model of the rules: same outcomes, in every order of results, also with a crash anywhere."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.definitions import task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault

RULES = ["all_success", "all_done", "none_failed"]  # those whose outcome does not depend on the order of results


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Tasks in topological order; some fail; some have a failure handler, which stands right behind them."""
    steps: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 9))):
        ids = [step["task_id"] for step in steps]
        after = draw(st.lists(st.sampled_from(ids), unique=True, max_size=3)) if ids else []
        function = draw(st.sampled_from(["good", "good", "bad"]))
        step = task(f"t{index}", *after, function=function, trigger_rule=draw(st.sampled_from(RULES)))
        steps.append(step)
        if draw(st.integers(0, 3)) == 0:
            step["on_failure_task_id"] = f"h{index}"
            steps.append(task(f"h{index}", function=draw(st.sampled_from(["good", "good", "bad"]))))
    return steps


def model(steps: list[dict[str, Any]]) -> dict[str, str]:
    """The rules as plainly as they can be written, one task after the other, as if the run did not stop when it is certain to fail."""
    owners = {step["on_failure_task_id"]: step["task_id"] for step in steps if "on_failure_task_id" in step}
    told: dict[str, str] = {}  # succeeded, failed, lost (skipped by failure), neutral
    for step in steps:
        name = step["task_id"]
        if name in owners:
            if told[owners[name]] == "lost":
                told[name] = "lost"
            elif told[owners[name]] == "failed":
                told[name] = "succeeded" if step["function"] == "good" else "failed"
            else:
                told[name] = "neutral"
            continue
        heard = [told[before] for before in step["dependencies"]]
        counted = [each for each in heard if each != "neutral"]
        if heard and not counted:
            counted = [told[owners[before]] for before in step["dependencies"]]
        lost = any(each in {"failed", "lost"} for each in counted) and step["trigger_rule"] != "all_done"
        told[name] = "lost" if lost else "succeeded" if step["function"] == "good" else "failed"
    return told


def unhandled(steps: list[dict[str, Any]], told: dict[str, str]) -> bool:
    ran = {name for name, each in told.items() if each in {"succeeded", "failed"}}
    for step in steps:
        if told[step["task_id"]] != "failed":
            continue
        handler = step.get("on_failure_task_id")
        goes_on = any(handler in each["dependencies"] and each["task_id"] in ran for each in steps)
        if handler is None or told[handler] != "succeeded" or not goes_on:
            return True
    return False


def bad(call: Call) -> Any:
    raise ToolFault(call.key)


WORDS = {"succeeded": "succeeded", "failed": "failed", "lost": "skipped", "neutral": "skipped"}


@settings(max_examples=300, deadline=None)
@given(graphs(), st.integers(1, 30))
def test_outcomes_are_those_of_the_rules(steps: list[dict[str, Any]], crash: int) -> None:
    told = model(steps)
    must_fail = unhandled(steps, told)
    run = PureRun(workflow(*steps), {"bad": bad}).run()
    assert run.finish.outcome == ("failed" if must_fail else "completed")
    outcomes = run.outcomes()
    assert outcomes.keys() == told.keys()
    for name, outcome in outcomes.items():
        # a run that must fail starts less than the rules would let it; it never does anything else
        assert outcome == WORDS[told[name]] or (must_fail and outcome == "skipped")
    again = PureRun(workflow(*steps), {"bad": bad})
    again.crash_after = crash
    again.run()
    assert again.finish.outcome == run.finish.outcome
    if not must_fail:  # how far a failing run gets is a matter of time, and a crash takes time
        assert again.outcomes() == outcomes
        assert again.finish == run.finish


@settings(max_examples=100, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_in_which_results_come_in_does_not_change_what_a_sound_run_does(
    steps: list[dict[str, Any]], order: Any
) -> None:
    told = model(steps)
    if unhandled(steps, told):
        return
    shuffled = list(steps)
    order.shuffle(shuffled)
    run = PureRun(workflow(*shuffled), {"bad": bad}).run()
    assert run.outcomes() == {name: WORDS[each] for name, each in told.items()}
