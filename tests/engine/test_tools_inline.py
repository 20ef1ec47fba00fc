from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest

from engine.durable.cancellation import Cancellation
from engine.durable.tool_context import MAX_LOG_CHARACTERS, MAX_LOG_LINES, LogLine, default_idempotency_key
from engine.model.requests import AwaitBranches, CancelBranches, RunChild
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context

FORK_DATA = {"fork": "fork", "branches": {"left": "fork.left", "right": "fork.right"}}


class Counters:
    """A Transaction over a dict."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def counter_add(self, name: str, delta: int) -> int:
        self.values[name] = self.counter_get(name) + delta
        return self.values[name]

    def counter_get(self, name: str) -> int:
        return self.values.get(name, 0)

    def counter_reset(self, name: str, value: int = 0) -> int:
        previous = self.counter_get(name)
        self.values[name] = value
        return previous


def test_log_writes_a_line_with_its_fields() -> None:
    ctx = context()
    call("tools.log.warning", "slow", ctx=ctx, seconds=3)
    call("tools.log.info", {"a": "ü"}, ctx=ctx)
    assert ctx.logs == [LogLine("warning", "slow", {"seconds": 3}), LogLine("info", '{"a": "ü"}')]


def test_a_log_is_bounded() -> None:
    ctx = context()
    for _ in range(MAX_LOG_LINES + 5):
        ctx.log("info", "x" * (MAX_LOG_CHARACTERS + 7))
    assert len(ctx.logs) == MAX_LOG_LINES + 1
    assert ctx.logs[0].message.endswith("... (7 more characters)")
    assert ctx.logs[-1].message == "more than 1000 lines: the rest was dropped"


def test_memory_sets_and_reads_variables_of_the_scope() -> None:
    ctx = context(variables={"old": 1})
    assert call("tools.memory.get", "old", ctx=ctx) == 1
    assert call("tools.memory.get", "none", default="d", ctx=ctx) == "d"
    assert call("tools.memory.set", "new", [1], ctx=ctx) == [1]
    assert call("tools.memory.get", "new", ctx=ctx) == [1]
    assert ctx.changed_variables == {"new": [1]}


def test_memory_appends_with_a_separator_between_texts_only() -> None:
    ctx = context()
    assert call("tools.memory.append", "trail", "A", "::", ctx=ctx) == "A"
    assert call("tools.memory.append", "trail", "B", separator="::", ctx=ctx) == "A::B"
    assert ctx.changed_variables == {"trail": "A::B"}
    with pytest.raises(ToolError, match="holds a int, not text"):
        call("tools.memory.append", "n", "B", ctx=context(variables={"n": 1}))


def test_memory_deletes_by_making_a_variable_null() -> None:
    ctx = context(variables={"old": 1})
    assert call("tools.memory.delete", "old", ctx=ctx) is True
    assert call("tools.memory.delete", "old", ctx=ctx) is False
    assert call("tools.memory.get", "old", "gone", ctx=ctx) == "gone"
    assert ctx.changed_variables == {"old": None}


def test_counters_change_through_the_transaction_alone() -> None:
    ctx = context(transaction=Counters())
    assert call("tools.simple_counter.increment", "c", ctx=ctx) == {"name": "c", "value": 1}
    assert call("tools.simple_counter.increment", "c", delta=5, ctx=ctx) == {"name": "c", "value": 6}
    assert call("tools.simple_counter.decrement", "c", 2, ctx=ctx) == {"name": "c", "value": 4}
    assert call("tools.simple_counter.get", "c", ctx=ctx) == {"name": "c", "value": 4}
    assert call("tools.simple_counter.reset", "c", ctx=ctx) == {"name": "c", "value": 0, "previous": 4}
    with pytest.raises(RuntimeError, match="without a transaction"):
        call("tools.simple_counter.increment", "c")


def test_generated_items_are_a_list_to_loop_over() -> None:
    assert call("tools.list_generator.generate_items", 3) == ["item_1", "item_2", "item_3"]
    assert call("tools.list_generator.generate_items", 1, prefix="file") == ["file_1"]
    assert call("tools.list_generator.generate_items", 0) == []


def test_waiting_for_branches_is_a_request() -> None:
    assert call("tools.workflow.wait_for_parallel_branches", FORK_DATA, timeout_seconds=5) == AwaitBranches(
        names={"left": "fork.left", "right": "fork.right"}, timeout_seconds=5
    )
    assert call("tools.workflow.wait_for_branch", FORK_DATA, "Left") == AwaitBranches(
        names={"Left": "fork.left"}, single=True
    )
    assert call("tools.workflow.cancel_branch", FORK_DATA, "right") == CancelBranches(keys=["fork.right"])


def test_fewer_than_all_branches_can_be_waited_for_and_the_first_of_several() -> None:
    both = {"left": "fork.left", "right": "fork.right"}
    assert call("tools.workflow.wait_for_parallel_branches", FORK_DATA, needed=1) == AwaitBranches(both, needed=1)
    assert call("tools.workflow.wait_for_branch", FORK_DATA, ["left", "Right"]) == AwaitBranches(
        {"left": "fork.left", "Right": "fork.right"}, needed=1
    )
    assert call("tools.workflow.wait_for_branch", FORK_DATA, ["left"]) == AwaitBranches({"left": "fork.left"}, needed=1)


@pytest.mark.parametrize(
    ("needed", "why"), [(3, "3 branches are needed, and the fork has 2"), (0, "needed"), ("most", "needed")]
)
def test_a_number_of_branches_that_there_cannot_be_is_refused(needed: Any, why: str) -> None:
    with pytest.raises(ToolInputError, match=why):
        call("tools.workflow.wait_for_parallel_branches", FORK_DATA, needed=needed)


def test_an_unknown_branch_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ToolInputError, match="no branch 'lefd'; it has left"):
        call("tools.workflow.wait_for_branch", FORK_DATA, "lefd")


def test_executing_a_workflow_is_a_request() -> None:
    assert call("tools.workflow.execute", workflow_name="report", inputs={"day": 1}, wait=False) == RunChild(
        workflow_name="report", inputs={"day": 1}, wait=False
    )


def test_long_running_work_ends_with_its_duration_its_timeout_or_a_cancel() -> None:
    tool = "tools.long_running.execute_no_manual_heartbeat"
    assert call(tool, 0.01) == {"duration_seconds": 0.01}
    with pytest.raises(ToolTimeout, match=r"not done after 0\.05 seconds"):
        call(tool, 60, ctx=context(timeout_seconds=0.05))
    ctx = context()
    threading.Timer(0.05, ctx.cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(ToolCancelled):
        call(tool, 60, ctx=ctx)
    assert time.monotonic() - begun < 5


def test_cancellation_calls_each_callback_once_also_when_it_comes_late() -> None:
    cancellation, calls = Cancellation(), []
    cancellation.on_set(lambda: calls.append("early"))
    assert cancellation.wait(0) is False
    cancellation.set()
    cancellation.set()
    cancellation.on_set(lambda: calls.append("late"))
    assert calls == ["early", "late"]
    assert cancellation.is_set()
    assert cancellation.wait(None) is True


def test_the_idempotency_key_names_the_step_and_not_the_attempt() -> None:
    run = uuid.UUID(int=7)
    assert default_idempotency_key(run, "fork.left", "loop[2]/say") == f"{run}:fork.left/loop[2]/say"
