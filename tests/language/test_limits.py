"""The largest legal definitions are checked in a few seconds, and what could go on for ever ends at a limit that says its name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.interpreter import compile_program
from engine.kit.patterns import MAX_TEXT, PatternError, matches
from engine.language import check, read_definition
from engine.language.shape import MAX_TASKS
from engine.operators.foreach import MAX_ROUNDS
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import PureRun

SECONDS = 10.0  # some 1 to 2 on an idle machine


def _named(index: int) -> str:
    return f"t{index}"


def chain() -> list[dict[str, Any]]:
    """Each task after the one before it, whose result it takes."""
    rest = (task(_named(n), _named(n - 1), args=[f"{{{{t{n - 1}.args}}}}"]) for n in range(1, MAX_TASKS))
    return [task("t0"), *rest]


def star() -> list[dict[str, Any]]:
    """All tasks between two."""
    middle = [_named(n) for n in range(1, MAX_TASKS - 1)]
    return [task("t0"), *(task(name, "t0") for name in middle), task("last", *middle)]


def conditions() -> list[dict[str, Any]]:
    """One condition behind the other, as the builder writes them, each with two sides that write one result."""
    steps: list[dict[str, Any]] = []
    for n in range(MAX_TASKS // 3):
        steps.append(
            op(
                "condition",
                f"c{n}",
                *([f"c{n - 1}"] if n else []),
                condition="1 == 1",
                if_true=f"y{n}",
                if_false=f"n{n}",
            )
        )
        steps += [task(f"{side}{n}", f"c{n}", result_key="r") for side in "yn"]
    return steps


def one_condition() -> list[dict[str, Any]]:
    """A side of half the tasks, and the other half waiting for it."""
    half = MAX_TASKS // 2 - 1
    side = [task(f"s{n}", f"s{n - 1}" if n else "c", "c") for n in range(half)]
    return [op("condition", "c", condition="1 == 1", if_true="s0"), *side, *(task(f"w{n}", "c") for n in range(half))]


def switch() -> list[dict[str, Any]]:
    """A thousand targets, chained as the builder chains them, and a chain behind each."""
    steps: list[dict[str, Any]] = [
        op("switch", "s", switch_on="{{inputs.x}}", cases={str(n): f"a{n}" for n in range(1_000)})
    ]
    for n in range(1_000):
        steps.append(task(f"a{n}", f"a{n - 1}" if n else "s"))
        steps += [task(f"a{n}-{m}", f"a{n}-{m - 1}" if m else f"a{n}") for m in range(8)]
    return steps


def loops() -> list[dict[str, Any]]:
    """Half of the tasks are loops around the other half."""
    return [
        op(
            "foreach",
            f"l{n}",
            items="range(2)",
            loop_body=[task(f"b{n}", f"l{n - 1}" if n else f"l{n}", args=["{{item}}"])],
        )
        for n in range(MAX_TASKS // 2)
    ]


def joins() -> list[dict[str, Any]]:
    """Each join looks at ten tasks before it, each task is handled by the next."""
    steps: list[dict[str, Any]] = [task("t0", on_failure_task_id="t1")]
    for n in range(1, MAX_TASKS - 1):
        before = [_named(m) for m in range(max(0, n - 10), n)]
        steps.append(op("join", _named(n), *before[-1:], join_tasks=before) if n % 2 else task(_named(n), *before))
    return steps


@pytest.mark.parametrize("make", [chain, star, conditions, one_condition, switch, loops, joins])
def test_a_definition_with_the_most_tasks_is_checked_and_compiled_in_seconds(
    make: Callable[[], list[dict[str, Any]]],
) -> None:
    value = workflow(*make())
    started = time.thread_time()
    found = check(value, {"tools.x"}, ["x"])
    checked = time.thread_time() - started
    assert [problem for problem in found if problem.severity == "error"] == []
    assert checked < SECONDS
    compile_program(read_definition(value))
    assert time.thread_time() - started < 2 * SECONDS


def test_a_loop_that_feeds_itself_by_an_event_ends_at_its_most_rounds() -> None:
    body = [
        op("emit_event", "say", "l", event_name="again"),
        op("wait_for_event", "hear", "say", event_name="again"),
    ]
    run = PureRun(workflow(op("while", "l", condition="1 == 1", loop_body=body))).run()
    assert run.finish.outcome == "failed"
    assert run.finish.error is not None
    assert (run.finish.error.kind, run.finish.error.message) == (
        "loop_limit",
        "the loop did not end within 1,000 rounds",
    )
    assert run.outcome("l[999]/hear") == "succeeded"
    assert len(run.events) == 1


def test_a_loop_that_waits_for_an_event_of_its_next_round_ends_at_the_limit_of_the_wait() -> None:
    body = [
        op("wait_for_event", "hear", "l", event_name="{{loop.number}}", timeout_seconds=5),
        op("emit_event", "say", "hear", event_name="{{loop.number}}"),
    ]
    run = PureRun(workflow(op("while", "l", condition="1 == 1", loop_body=body))).run()
    assert run.finish.error is not None
    assert run.finish.error.kind == "event_timeout"


@pytest.mark.parametrize(("parallel", "most"), [(False, MAX_ROUNDS), (True, MAX_ROUNDS // 2)])
def test_loops_take_a_bounded_number_of_items_and_parallel_ones_of_tasks(parallel: bool, most: int) -> None:
    loop = op("foreach", "l", items="{{inputs.x}}", parallel=parallel, loop_body=[task("a", "l"), task("b", "a")])
    run = PureRun(workflow(loop), inputs={"x": [0] * (most + 1)}).run()
    assert run.finish.error is not None
    assert f"at most {most:,} items, and these are {most + 1:,}" in run.finish.error.message


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 50 + "!"),
        ("^(a|a)*$", "a" * 50 + "!"),
        ("(a|aa)+$", "a" * 50 + "!"),
        ("(.*a){20}$", "a" * 5_000 + "!"),
        (r"^(\w+\s?)*$", "word " * 50 + "!"),
        (r"(x+x+)+y", "x" * 5_000),
        ("(a?){30}a{30}$", "a" * 40 + "!"),
        (r"([\w.-]+)+@([\w.-]+)+\.com$", "a" * MAX_TEXT),
    ],
)
def test_no_pattern_of_a_guard_takes_for_ever(pattern: str, text: str) -> None:
    started = time.thread_time()
    assert not matches(pattern, text)
    assert time.thread_time() - started < 1


def test_a_pattern_is_found_anywhere_in_a_text() -> None:
    assert matches("b+", "abbc")
    assert matches(r"^\d{4}-\d{2}$", "2026-11")
    assert not matches("^b", "abc")
    with pytest.raises(PatternError, match="not a regular expression"):
        matches(r"(a)\1", "aa")


def test_a_pattern_that_only_a_run_knows_and_that_is_none_fails_its_step() -> None:
    guard = {"variable": "{{inputs.text}}", "check": "matches_regex", "value": "{{inputs.pattern}}"}
    steps = workflow(task("a", preconditions=[guard]))
    assert PureRun(steps, inputs={"text": "abc", "pattern": "b"}).run().finish.outcome == "completed"
    run = PureRun(steps, inputs={"text": "abc", "pattern": "("}).run()
    assert run.finish.error is not None
    assert "not a regular expression" in run.finish.error.message
