"""What a restart forgets and what a fork keeps, in the pure core: no database, no worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine.interpreter import Program, compile_program
from engine.interpreter.cutting import kept_before
from engine.interpreter.forgetting import excused, forgotten
from engine.language import read_definition
from engine.model.errors import StepError
from engine.model.facts import Recorded, TaskInfo
from tests.engine.definitions import op, task, workflow

INFO = TaskInfo(UUID(int=1), UUID(int=2), "", {})
ERROR = StepError("tool", "broken")


def _program(*tasks: dict[str, Any]) -> Program:
    return compile_program(read_definition(workflow(*tasks)))


def _forgotten(program: Program, *steps: tuple[str, str, str], **reasons: str) -> list[str]:
    """Steps as (key, operator, outcome) in the order in which they were recorded."""
    recorded = [
        Recorded(key, operator, outcome, None, ERROR if outcome == "failed" else None)  # type: ignore[arg-type]
        for key, operator, outcome in steps
    ]
    return sorted(forgotten(program, INFO, recorded, reasons))


def test_a_failure_and_what_was_skipped_because_of_it_are_forgotten_and_successes_are_not() -> None:
    program = _program(task("a"), task("b", "a"), task("c", "b"), task("side"))
    steps = [
        ("a", "task", "succeeded"),
        ("side", "task", "succeeded"),
        ("b", "task", "failed"),
        ("c", "task", "skipped"),
    ]
    assert _forgotten(program, *steps, c="upstream_failed") == ["b", "c"]


def test_several_failures_at_once_are_all_forgotten() -> None:
    program = _program(*(task(name) for name in "abcd"))
    steps = [(name, "task", "failed") for name in "abc"] + [("d", "task", "succeeded")]
    assert _forgotten(program, *steps) == ["a", "b", "c"]


def test_a_handled_failure_stays_although_another_failure_hid_that_it_was_handled() -> None:
    program = _program(task("a", on_failure_task_id="h"), task("h"), task("n", "h"), task("z"))
    steps = [("z", "task", "failed"), ("a", "task", "failed"), ("h", "task", "succeeded"), ("n", "task", "skipped")]
    assert _forgotten(program, *steps, n="upstream_failed") == ["n", "z"]


def test_a_handler_whose_failure_is_forgotten_is_forgotten_and_so_is_the_skip_of_the_other_one() -> None:
    program = _program(task("a", on_failure_task_id="h", on_success_task_id="s"), task("h"), task("s"))
    steps = [("a", "task", "failed"), ("h", "task", "succeeded"), ("s", "task", "skipped")]
    assert _forgotten(program, *steps, s="handler_not_needed") == ["a", "h", "s"]


def test_a_handler_that_forked_branches_stays_for_its_branches_exist() -> None:
    branches = {"x": {"tasks": {"x": task("x")}}}
    program = _program(task("a", on_failure_task_id="h"), op("parallel", "h", branch_workflows=branches))
    forked = Recorded("h", "parallel", "succeeded", {"fork": "h", "branches": {"x": "h.x"}})
    recorded = [Recorded("a", "task", "failed", None, ERROR), forked]
    assert forgotten(program, INFO, recorded, {}) == {"a"}


def test_failed_rounds_of_a_parallel_loop_are_forgotten_and_the_others_are_not() -> None:
    loop = op("foreach", "l", items="range(3)", parallel=True, loop_body=[task("b")])
    program = _program(loop, task("z", "l"))
    steps = [
        ("l[0]/b", "task", "failed"),
        ("l[1]/b", "task", "succeeded"),
        ("l[2]/b", "task", "failed"),
        ("l", "foreach", "failed"),
        ("z", "task", "skipped"),
    ]
    assert _forgotten(program, *steps, z="upstream_failed") == ["l", "l[0]/b", "l[2]/b", "z"]
    assert _forgotten(program, *steps[:3]) == ["l[0]/b", "l[2]/b"], (
        "also when the run was stopped before the loop had ended"
    )


def test_a_while_loop_keeps_its_decisions_and_goes_on_in_its_round() -> None:
    program = _program(op("while", "w", condition="loop.index < 3", loop_body=[task("b")]))
    decided = [Recorded(f"w[{n}]", "while", "succeeded", {"value": True}) for n in range(2)]
    recorded = [decided[0], Recorded("w[0]/b", "task", "succeeded"), decided[1]]
    recorded += [Recorded("w[1]/b", "task", "failed", None, ERROR), Recorded("w", "while", "failed", None, ERROR)]
    assert forgotten(program, INFO, recorded, {}) == {"w", "w[1]/b"}


def test_what_a_terminate_step_skipped_is_forgotten_with_the_step() -> None:
    program = _program(task("a"), op("terminate", "t", "a", status="failed"), task("b", "t"))
    ended = Recorded("t", "terminate", "succeeded", {"status": "failed", "result": {}, "reason": ""})
    recorded = [Recorded("a", "task", "succeeded"), ended, Recorded("b", "task", "skipped")]
    assert forgotten(program, INFO, recorded, {"b": "terminated"}) == {"t", "b"}


def test_branches_that_a_step_has_answered_for_are_named_by_its_note() -> None:
    note = Recorded("wait@excused", "await", "succeeded", {"tasks": ["f.x"]})
    assert excused([note, Recorded("a", "task", "succeeded", {"tasks": ["no"]})]) == {"f.x"}


LOOPS = [
    task("a"),
    op(
        "foreach",
        "l",
        "a",
        items="range(3)",
        loop_body=[task("p"), op("foreach", "m", "p", items="range(2)", loop_body=[task("q")])],
    ),
    op("foreach", "c", "a", items="range(3)", parallel=True, loop_body=[task("r")]),
    op("while", "w", "a", condition="loop.index < 2", loop_body=[task("s")]),
    task("z", "l"),
]
KEYS = [
    "a", "l[]", "l[0]/p", "l[0]/m[0]/q", "l[0]/m[1]/q", "l[0]/m", "l[1]/p", "l[1]/m[0]/q", "l[1]/m", "l", "c[0]/r", "c[1]/r", "c",
    "w[0]", "w[0]/s", "w[1]", "w[1]/s", "w[2]", "w", "z", "z@excused",
]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "gone"),
    [
        ("z", "z z@excused"),
        ("l[1]/p", "l[1]/p l[1]/m[0]/q l[1]/m l z z@excused"),
        ("l[0]/m[1]/q", "l[0]/m[1]/q l[0]/m l[1]/p l[1]/m[0]/q l[1]/m l z z@excused"),
        ("c[0]/r", "c[0]/r c"),
        ("w[1]/s", "w[1]/s w[2] w"),
        ("l", "l[] l[0]/p l[0]/m[0]/q l[0]/m[1]/q l[0]/m l[1]/p l[1]/m[0]/q l[1]/m l z z@excused"),
    ],
)
def test_a_fork_drops_the_step_and_what_comes_after_it(step: str, gone: str) -> None:
    kept = kept_before(_program(*LOOPS).graph, KEYS, step)
    assert [key for key in KEYS if key not in kept] == gone.split()


@pytest.mark.parametrize("step", ["p", "l[1]", "l[1]/nothing", "l[]/p", "", "a/b", "l[x]/p"])
def test_a_fork_from_what_is_no_step_is_refused(step: str) -> None:
    with pytest.raises(LookupError, match="there is no step"):
        kept_before(_program(*LOOPS).graph, KEYS, step)
