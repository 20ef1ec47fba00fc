"""Many failures in one graph: each is looked at a few times, however many others there are."""

from __future__ import annotations

from typing import Any

import pytest

from engine.interpreter import board
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import Call, PureRun, ToolFault

MANY = 120
MOST_LOOKS = 4  # when it fails, and when its handler, what follows that, or a join ends


def fail(call: Call) -> Any:
    raise ToolFault(f"{call.key} is broken")


def handled(number: int) -> list[dict[str, Any]]:
    """A task that fails, its handler, and what goes on after that."""
    name = f"t{number}"
    return [
        task(name, function="bad", on_failure_task_id=f"{name}_handler"),
        task(f"{name}_handler"),
        task(f"{name}_after", f"{name}_handler"),
    ]


def absorbed(number: int) -> list[dict[str, Any]]:
    """A task that fails."""
    return [task(f"t{number}", function="bad")]


def unhandled(number: int) -> list[dict[str, Any]]:
    """A task that fails, and so does its handler."""
    name = f"t{number}"
    return [
        task(name, function="bad", on_failure_task_id=f"{name}_handler"),
        task(f"{name}_handler", function="bad"),
        task(f"{name}_after", f"{name}_handler"),
    ]


@pytest.mark.parametrize(("kind", "ends"), [(handled, "completed"), (absorbed, "completed"), (unhandled, "failed")])
def test_a_failure_is_looked_at_a_few_times_however_many_there_are(
    kind: Any, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = {few: _looks(kind, few, ends, monkeypatch) for few in (MANY // 4, MANY)}
    assert looks[MANY] <= MOST_LOOKS * MANY * (2 if kind is unhandled else 1)
    assert looks[MANY] <= 5 * looks[MANY // 4], "four times as many failures are four times as many looks"


def _looks(kind: Any, failures: int, ends: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often it was asked how a failure stands."""
    asked = 0
    real = board.standing

    def counted(*given: Any) -> Any:
        nonlocal asked
        asked += 1
        return real(*given)

    tasks = [each for number in range(failures) for each in kind(number)]
    if kind is absorbed:
        good = task("good")
        names = [str(each["task_id"]) for each in (*tasks, good)]
        tasks += [good, op("join", "all", *names, join_tasks=names, join_mode="all_of")]
    with monkeypatch.context() as patch:
        patch.setattr(board, "standing", counted)
        run = PureRun(workflow(*tasks), {"bad": fail}).run()
    assert run.tasks[""].finish is not None
    assert run.tasks[""].finish.outcome == ends
    return asked
