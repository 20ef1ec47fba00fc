"""A dynamic `foreach`: takes items by signal while it is open, each once and in order, whatever dies in between."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine.interpreter.cutting import kept_before
from engine.interpreter.forgetting import forgotten
from engine.language import read_definition
from engine.language.problems import DefinitionError
from engine.model.facts import Recorded, TaskInfo, ToolSucceeded
from tests.engine.definitions import op, task, workflow
from tests.engine.pure_driver import RUN_ID, Call, PureRun, ToolFault

BODY = task("b", args=["{{item}} {{loop.index}}"])
both_ways = pytest.mark.parametrize("parallel", [False, True])


def growing(*body: dict[str, Any], items: Any = ("a",), keep_open: bool = False, **more: Any) -> dict[str, Any]:
    metadata = {**more.pop("metadata", {}), **({"keep_open": True} if keep_open else {})}
    return op(
        "foreach", "f", items=list(items), loop_body=list(body or (BODY,)), dynamic=True, metadata=metadata, **more
    )


def args(run: PureRun) -> list[str]:
    return [call.args[0] for call in run.calls]


@both_ways
def test_signals_of_before_and_of_during_add_items_behind_those_it_began_with(parallel: bool) -> None:
    run = PureRun(workflow(growing(parallel=parallel)), {"tools.x": lambda call: send_more(run, call)})
    run.send("add_items", ["b"])
    run.send("add_items", {"items": ["c", "d"]})
    run.run()
    assert args(run) == ["a 0", "b 1", "c 2", "d 3", "e 4"]
    assert run.result("f") == {"count": 5, "results": ["a 0", "b 1", "c 2", "d 3", "e 4"]}
    assert [run.result(f"f[]@{number}")["items"] for number in (1, 2, 3)] == [["b"], ["c", "d"], ["e"]]


def send_more(run: PureRun, call: Call) -> Any:
    if call.key == "f[2]/b":
        run.send("add_items", ["e"])
    return call.args[0]


@both_ways
def test_wherever_the_worker_dies_each_signal_is_taken_once_and_items_keep_their_places(parallel: bool) -> None:
    for crash in range(1, 16):
        run = PureRun(workflow(growing(parallel=parallel)))
        run.send("add_items", ["b"])
        run.send("add_items", {"items": ["c"], "done": False})
        run.crash_after = crash
        run.run()
        assert [each["args"] for each in run.result("f")["results"]] == [["a 0"], ["b 1"], ["c 2"]], crash


@both_ways
def test_a_loop_ends_when_all_its_items_have_and_nothing_has_come(parallel: bool) -> None:
    run = PureRun(workflow(growing(items=(), parallel=parallel), task("after", "f"))).run()
    assert run.result("f") == {"count": 0, "results": []}
    assert run.finish.outcome == "completed"


@both_ways
def test_done_ends_the_loop_and_leaves_what_comes_later_in_the_inbox(parallel: bool) -> None:
    run = PureRun(workflow(growing(keep_open=True, parallel=parallel)))
    run.send("add_items", {"items": ["b"], "done": True})
    run.send("add_items", ["too late"])
    run.run()
    assert run.result("f")["count"] == 2
    assert [message["payload"] for message in run.inbox["add_items"]] == [["too late"]]


@both_ways
def test_a_loop_that_is_kept_open_waits_for_more_until_it_hears_that_there_are_none(parallel: bool) -> None:
    run = PureRun(workflow(growing(keep_open=True, parallel=parallel)))
    with pytest.raises(AssertionError, match=r"stuck: .*'f'"):
        run.run()
    run.send("add_items", ["b"])
    with pytest.raises(AssertionError, match=r"stuck: .*'f'"):
        run.run()
    run.send("add_items", {"done": True})
    assert run.run().result("f")["count"] == 2


def test_parallel_items_begin_as_they_come_and_sequential_ones_in_their_turn() -> None:
    for parallel, expected in ((True, ["f[0]/w", "f[1]/w"]), (False, ["f[0]/w"])):
        pure = PureRun(workflow(growing(op("wait_for_event", "w", event_name="go"), parallel=parallel)))
        pure.send("add_items", ["b"])
        with pytest.raises(AssertionError, match="stuck"):
            pure.run()
        assert [key for key in pure.tasks[""].waits if key != "f"] == expected
        pure.events["go"] = None
        assert pure.run().result("f")["count"] == 2


def test_the_signal_has_the_name_that_the_author_gives_it() -> None:
    run = PureRun(workflow(growing(metadata={"signal": "parcel"})))
    run.send("add_items", ["not for this one"])
    run.send("parcel", ["b"])
    assert run.run().result("f")["count"] == 2
    assert len(run.inbox["add_items"]) == 1


@pytest.mark.parametrize("metadata", [{"signal": ""}, {"signal": 7}, {"keep_open": "yes"}])
def test_what_says_how_it_grows_is_checked(metadata: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match=next(iter(metadata))):
        read_definition(workflow(growing(metadata=metadata)))


@both_ways
@pytest.mark.parametrize("payload", ["b", 7, None, {}, {"items": "b"}, {"done": "yes"}, {"item": ["b"]}])
def test_a_signal_that_brings_no_items_fails_the_loop_when_what_is_under_way_has_ended(
    payload: Any, parallel: bool
) -> None:
    for crash in (None, 1, 2, 3, 4):
        run = PureRun(workflow(growing(parallel=parallel)))
        run.send("add_items", payload)
        run.crash_after = crash
        run.run()
        assert run.finish.error is not None
        assert (run.finish.error.kind, run.finish.error.type) == ("input", "BadItems")
        assert "signal 1 'add_items' by 'ann'" in run.finish.error.message


@both_ways
def test_what_comes_behind_a_failure_is_kept_for_the_restart(parallel: bool) -> None:
    def broken(call: Call) -> Any:
        if call.args[0] == "a 0":
            run.send("add_items", ["b"])
            raise ToolFault("broken")
        return ToolSucceeded(call.key, None)

    run = PureRun(workflow(growing(parallel=parallel)), {"tools.x": broken})
    run.run()
    assert (run.finish.outcome, run.finish.failed_key) == ("failed", "f[0]/b")
    assert run.result("f[]@1")["items"] == ["b"]
    assert run.called() == ["f[0]/b"]
    assert forgotten_of(run) == {"f[0]/b", "f"}


def test_a_signal_that_brought_no_items_is_forgotten_at_a_restart() -> None:
    run = PureRun(workflow(growing()))
    run.send("add_items", ["b"])
    run.send("add_items", "c")
    run.run()
    assert forgotten_of(run) == {"f", "f.refused"}


def test_a_fork_from_an_item_that_was_added_knows_it() -> None:
    run = PureRun(workflow(growing()))
    run.send("add_items", ["b", "c"])
    run.run()
    records = run.tasks[""].records
    assert kept_before(run.program.graph, records, "f[1]/b") == ["f[0]/b", "f[]@1"]
    assert kept_before(run.program.graph, records, "f") == []


def forgotten_of(run: PureRun) -> set[str]:
    """What a restart takes out."""
    records = run.tasks[""].records.values()
    info = TaskInfo(UUID(int=1), RUN_ID, "", {})
    recorded = [Recorded(r.key, r.operator, r.outcome, r.result, r.error) for r in records]
    return forgotten(run.program, info, recorded, {r.key: r.reason for r in records if r.outcome == "skipped"})


def test_a_loop_that_only_listens_does_not_keep_a_failing_run_open() -> None:
    def fails(_: Call) -> Any:
        raise ToolFault("no")

    run = PureRun(workflow(growing(keep_open=True), op("wait", "w", wait_for=5), task("bad", "w", function="fails")))
    run.tools["fails"] = fails
    run.run()
    assert (run.finish.outcome, run.outcome("f")) == ("failed", "skipped")


def test_dynamic_loops_nest_and_each_takes_what_came_in_its_turn() -> None:
    inner = {**growing(task("b", args=["{{item}}"]), items=(), metadata={"signal": "inner"}), "task_id": "g"}
    run = PureRun(workflow(growing(inner, items=("x", "y"))))
    run.send("inner", ["1", "2"])
    run.run()
    assert run.called() == ["f[0]/g[0]/b", "f[0]/g[1]/b"]
    assert run.result("f[0]/g")["count"] == 2
    assert run.result("f[1]/g")["count"] == 0
