"""The rules of execution: dependencies, trigger rules, choices, handlers, joins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault


def fail(call: Call) -> Any:
    raise ToolFault(f"{call.key} is broken")


def run(*tasks: dict[str, Any], **more: Any) -> PureRun:
    """A run in which the tool "bad" fails and all others succeed."""
    return PureRun(workflow(*tasks, **more), {"bad": fail}).run()


def states(*tasks: dict[str, Any]) -> str:
    """Outcomes in the order of the tasks, one letter each: s succeeded, f failed, k skipped."""
    done = run(*tasks).outcomes()
    return "".join({"succeeded": "s", "failed": "f", "skipped": "k"}[done[each["task_id"]]] for each in tasks)


def bad(task_id: str, *after: str, **more: Any) -> dict[str, Any]:
    return task(task_id, *after, function="bad", **more)


def choose(value: bool, task_id: str = "c", *after: str, yes: str | None = "t", no: str | None = "f") -> dict[str, Any]:
    return op("condition", task_id, *after, condition="1 == 1" if value else "1 == 2", if_true=yes, if_false=no)


# -- dependencies and trigger rules


def test_tasks_run_in_the_order_of_their_dependencies() -> None:
    assert run(task("c", "b"), task("b", "a"), task("a")).called() == ["a", "b", "c"]


def test_independent_tasks_are_under_way_at_the_same_time() -> None:
    pure = PureRun(workflow(task("a"), task("b"), task("c", "a", "b")))
    first = pure._enter(pure.tasks[""]).advance()
    assert [command.key for command in first] == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "outcomes", "expected"),
    [
        ("all_success", "ss", "s"),
        ("all_success", "sk", "s"),
        ("all_success", "kk", "k"),
        ("all_success", "sf", "k"),
        ("none_failed", "sk", "s"),
        ("none_failed", "kk", "s"),
        ("none_failed", "sf", "k"),
        ("all_done", "sf", "s"),
        ("all_done", "ff", "s"),
        ("all_done", "kk", "s"),
        ("one_success", "sf", "s"),
        ("one_success", "ff", "k"),
        ("one_success", "kk", "k"),
        ("one_success", "sk", "s"),
        ("one_done", "fk", "s"),
        ("one_done", "sk", "s"),
        ("one_done", "kk", "k"),
    ],
)
def test_trigger_rules(rule: str, outcomes: str, expected: str) -> None:
    tasks = [choose(True, yes=None, no="skipped"), task("skipped", "c")]
    names = []
    for index, outcome in enumerate(outcomes):
        name = f"d{index}"
        names.append(name)
        tasks.append({"s": task(name), "f": bad(name), "k": task(name, "skipped")}[outcome])
    tasks.append(task("last", *names, trigger_rule=rule))
    assert states(*tasks)[-1] == expected


def test_a_rule_that_needs_one_does_not_wait_for_the_others() -> None:
    slow = op("wait_for_event", "slow", event_name="never", timeout_seconds=9)
    done = run(task("quick"), slow, task("last", "quick", "slow", trigger_rule="one_success"))
    assert done.called() == ["quick", "last"]
    assert done.finish.outcome == "failed"


def test_a_failure_skips_everything_behind_it_also_past_a_success() -> None:
    assert states(bad("a"), task("b", "a"), task("c"), task("d", "b", "c")) == "fksk"
    assert run(bad("a"), task("b", "a")).record("b").reason == "upstream_failed"


# -- conditions


@pytest.mark.parametrize(("value", "expected"), [(True, "ssk"), (False, "sks")])
def test_one_side_of_a_condition_runs(value: bool, expected: str) -> None:
    tasks = (choose(value), task("t", "c"), task("f", "c"))
    assert states(*tasks) == expected
    skipped = "f" if value else "t"
    assert run(*tasks).record(skipped).reason == "branch_not_taken"


def test_a_side_is_skipped_to_its_end_though_all_its_tasks_depend_on_the_condition() -> None:
    assert states(choose(False), task("t", "c"), task("t2", "t", "c"), task("t3", "t2", "c"), task("f", "c")) == "skkks"


def test_a_task_after_both_sides_runs_once_either_has() -> None:
    for value in (True, False):
        assert states(choose(value), task("t", "c"), task("f", "c"), task("after", "t", "f"))[-1] == "s"


def test_a_task_that_depends_on_a_condition_waits_for_the_end_of_the_chosen_side() -> None:
    done = run(choose(True), task("after", "c"), task("t", "c"), task("t2", "t", "c"), task("f", "c"))
    assert done.called() == ["t", "t2", "after"]


def test_it_goes_on_at_once_when_the_chosen_side_is_empty() -> None:
    assert run(choose(False, no=None), task("t", "c"), task("after", "c")).called() == ["after"]


def test_a_nested_choice_is_decided_only_inside_the_side_that_runs() -> None:
    inner = choose(True, "d", "t", "c", yes="dt", no="df")
    tasks = (
        choose(False),
        task("t", "c"),
        inner,
        task("dt", "d", "c"),
        task("df", "d", "c"),
        task("f", "c"),
        task("z", "c"),
    )
    assert states(*tasks) == "skkkkss"
    tasks = (choose(True), *tasks[1:])
    done = run(*tasks)
    assert done.called() == ["t", "dt", "z"]


def test_a_failure_in_the_chosen_side_counts_for_those_who_wait_for_it() -> None:
    assert states(choose(True), bad("t", "c"), task("f", "c"), task("after", "c")) == "sfkk"
    done = run(choose(True), bad("t", "c"), task("f", "c"), task("clean", "c", trigger_rule="all_done"))
    assert done.outcome("clean") == "succeeded"


def test_a_handler_inside_a_side_belongs_to_it() -> None:
    side = (bad("t", "c", on_failure_task_id="h"), task("h", "c"), task("t2", "h", "c"))
    done = run(choose(True), *side, task("f", "c"), task("after", "c"))
    assert done.finish.outcome == "completed"
    assert done.called() == ["t", "h", "t2", "after"]
    assert states(choose(False), *side, task("f", "c"), task("after", "c")) == "skkkss"


def test_one_task_may_be_the_target_of_two_choices() -> None:
    tasks = (choose(True, yes="d", no="reject"), choose(False, "d", "c", yes="go", no="reject"), task("go", "d"))
    done = run(*tasks, task("reject", "c", "d"))
    assert done.called() == ["reject"]
    accepted = (tasks[0], choose(True, "d", "c", yes="go", no="reject"), tasks[2], task("reject", "c", "d"))
    assert run(*accepted).called() == ["go"]


def test_a_condition_that_cannot_be_evaluated_fails_and_runs_neither_side() -> None:
    broken = op("condition", "c", condition="{{a.x}} > 1", if_true="t", if_false="f")
    done = PureRun(workflow(task("a"), {**broken, "dependencies": ["a"]}, task("t", "c"), task("f", "c"))).run()
    assert done.finish.error is not None
    assert (done.finish.error.kind, done.finish.failed_key) == ("template", "c")
    assert done.outcomes() == {"a": "succeeded", "c": "failed", "t": "skipped", "f": "skipped"}


def test_reading_a_task_that_was_skipped_says_so() -> None:
    done = run(choose(True), task("t", "c"), task("f", "c"), task("z", "t", args=["{{f.x}}"]))
    assert done.finish.error is not None
    assert done.finish.error.message == "task 'f' has no result: it was skipped"


# -- switches


def switch(value: str, **more: Any) -> dict[str, Any]:
    return op("switch", "s", switch_on=value, cases={"a": "ta", "b": "tb"}, **more)


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [("a", None, "sskk"), ("b", None, "sksk"), ("z", None, "skkk"), ("z", "td", "skks"), ("a", "td", "sskk")],
)
def test_one_target_of_a_switch_runs_though_the_builder_chains_them(
    value: str, default: str | None, expected: str
) -> None:
    tasks = (switch(value, default=default), task("ta", "s"), task("tb", "ta"), task("td", "tb" if default else "s"))
    if default is None:
        assert states(*tasks[:3]) == expected[:3]
    else:
        assert states(*tasks) == expected


def test_a_switch_compares_as_text_and_tells_what_it_chose() -> None:
    cases = op("switch", "s", switch_on="{{n}}", cases={"3": "ta", "true": "tb"})
    done = run(cases, task("ta", "s"), task("tb", "s"), variables={"n": 3})
    assert done.result("s") == {"value": "3", "target": "ta"}
    assert run(cases, task("ta", "s"), task("tb", "s"), variables={"n": True}).called() == ["tb"]


def test_a_chain_behind_one_target_and_before_the_next_does_not_stop_the_next() -> None:
    done = run(switch("b"), task("ta", "s"), task("ta2", "ta"), task("tb", "ta2"), task("after", "s"))
    assert done.called() == ["tb", "after"]


def test_a_target_waits_for_its_other_dependencies() -> None:
    done = run(switch("a"), task("slow"), task("ta", "s", "slow"), task("tb", "s"))
    assert done.called() == ["slow", "ta"]


# -- handlers


def test_a_failure_handler_runs_only_when_its_owner_fails() -> None:
    tasks = (task("a", on_failure_task_id="h"), task("h"), task("n", "h"))
    done = run(*tasks)
    assert done.outcomes() == {"a": "succeeded", "h": "skipped", "n": "succeeded"}
    assert done.record("h").reason == "handler_not_needed"
    assert states(bad("a", on_failure_task_id="h"), *tasks[1:]) == "fss"


def test_a_success_handler_runs_only_when_its_owner_succeeds() -> None:
    assert states(task("a", on_success_task_id="h"), task("h", "a")) == "ss"
    assert states(bad("a", on_success_task_id="h"), task("h", "a")) == "fk"


def test_a_handled_failure_fails_the_run_unless_the_graph_goes_on_past_the_handler() -> None:
    owner, handler = bad("a", on_failure_task_id="h"), task("h")
    assert run(owner, handler).finish.outcome == "failed"
    assert run(owner, handler, task("n", "h")).finish.outcome == "completed"
    assert run(owner, handler, task("n", "h", "a")).finish.outcome == "failed"
    assert run(owner, bad("h"), task("n", "h")).finish.outcome == "failed"


def test_the_first_unhandled_failure_is_the_cause() -> None:
    done = run(bad("a", on_failure_task_id="h"), bad("h"), bad("z", "h", trigger_rule="all_done"))
    assert done.finish.failed_key == "a"
    assert done.finish.error is not None
    assert done.finish.error.message == "a is broken"


def test_a_failure_handler_sees_what_failed_and_why() -> None:
    handler = task("h", args=["{{failed_task_id}}", "{{error_message}}"])
    done = run(bad("a", on_failure_task_id="h"), handler, task("n", "h"))
    assert done.result("h")["args"] == ["a", "a is broken"]


def test_success_and_failure_handlers_lead_to_the_same_end() -> None:
    for owner in (task, bad):
        tasks = (
            owner("a", on_success_task_id="s", on_failure_task_id="f"),
            task("s"),
            task("f"),
            task("end", "s", "f"),
        )
        done = run(*tasks)
        assert done.finish.outcome == "completed"
        assert done.outcome("end") == "succeeded"


def test_a_handler_of_a_skipped_task_is_skipped_with_it() -> None:
    tasks = (choose(False), task("t", "c", on_failure_task_id="h"), task("h"), task("n", "h"), task("f", "c"))
    assert states(*tasks) == "skkks"


def test_one_handler_serves_several_tasks() -> None:
    tasks = (
        task("a", on_failure_task_id="h"),
        bad("b", on_failure_task_id="h"),
        task("h", args=["{{failed_task_id}}"]),
    )
    done = run(*tasks, task("n", "h"))
    assert done.result("h")["args"] == ["b"]
    assert done.finish.outcome == "completed"
    none = run(task("a", on_failure_task_id="h"), task("b", on_failure_task_id="h"), task("h"), task("n", "h"))
    assert none.outcomes() == {"a": "succeeded", "b": "succeeded", "h": "skipped", "n": "succeeded"}


def test_a_handler_waits_for_its_other_dependencies() -> None:
    done = run(bad("a", on_failure_task_id="h"), task("x"), task("y", "x"), task("h", "y"), task("n", "h"))
    assert done.called()[-3:] == ["y", "h", "n"]
    assert done.finish.outcome == "completed"


# -- joins


@pytest.mark.parametrize(
    ("mode", "outcomes", "join", "run_outcome"),
    [
        ("all_of", "ss", "s", "completed"),
        ("all_of", "sf", "s", "completed"),
        ("all_of", "ff", "s", "completed"),
        ("all_of", "kk", "k", "completed"),
        ("any_of", "sf", "s", "completed"),
        ("any_of", "ff", "s", "completed"),
        ("any_of", "kk", "k", "completed"),
        ("all_success", "ss", "s", "completed"),
        ("all_success", "sk", "s", "completed"),
        ("all_success", "sf", "f", "failed"),
        ("all_success", "kk", "k", "completed"),
        ("one_success", "sf", "s", "completed"),
        ("one_success", "ff", "f", "failed"),
        ("one_success", "kk", "k", "completed"),
    ],
)
def test_joins(mode: str, outcomes: str, join: str, run_outcome: str) -> None:
    tasks = [choose(True, yes=None, no="gone"), task("gone", "c")]
    names = [f"d{index}" for index in range(len(outcomes))]
    for name, outcome in zip(names, outcomes, strict=True):
        tasks.append({"s": task(name), "f": bad(name), "k": task(name, "gone")}[outcome])
    tasks.append(op("join", "j", names[-1], join_tasks=names, join_mode=mode))
    assert states(*tasks)[-1] == join
    done = run(*tasks)
    assert done.finish.outcome == run_outcome
    if join == "s":
        words = {"s": "completed", "f": "failed", "k": "skipped"}
        assert [each["status"] for each in done.result("j").values()] == [words[outcome] for outcome in outcomes]


def test_a_join_of_any_does_not_wait_for_the_rest() -> None:
    slow = op("wait_for_event", "slow", event_name="later")
    join = op("join", "j", join_tasks=["quick", "slow"], join_mode="any_of")
    done = run(task("quick"), slow, join, op("emit_event", "e", "j", event_name="later"))
    assert done.finish.outcome == "completed"
    assert done.result("j")["slow"] == {"status": "running", "result": None}


def test_a_join_has_other_dependencies_too() -> None:
    join = op("join", "j", "before", join_tasks=["a"], join_mode="all_of")
    assert run(task("a"), task("b"), task("before", "b"), join, task("z", "j")).called()[-1] == "z"
    assert states(task("a"), bad("before"), join) == "sfk"
