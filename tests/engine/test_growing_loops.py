"""A dynamic `foreach` with real workers: items come by signal, and nothing that happens to the run loses or repeats one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, StateError
from tests.engine.control_steps import allow, counted, gate, needs, shell, tries
from tests.engine.definitions import op, workflow
from tests.support.runs import scalar
from tests.support.worker_process import MODES
from tests.support.workers import Workers

KEPT_OPEN = {"keep_open": True}
HELD = (op("wait_for_event", "hold", event_name="go_{{item}}"), counted("work", "hold", counter="{{item}}"))
both_ways = pytest.mark.parametrize("parallel", [False, True])


def growing(*body: Any, items: Sequence[Any] = (), **more: Any) -> dict[str, Any]:
    return op("foreach", "f", items=list(items), loop_body=list(body), dynamic=True, **more)


def add(workers: Workers, run: UUID, payload: Any) -> None:
    workers.ask(facade.send_signal, run, name="add_items", payload=payload, by="ann")


def emit(workers: Workers, run: UUID, *items: str) -> None:
    for item in items:
        workers.ask(facade.emit_event, run, name=f"go_{item}")


def waits_in(workers: Workers, run: UUID, *keys: str) -> None:
    """Until the run sleeps in just these steps."""
    with connect(workers.database.worker) as connection:
        query = "SELECT array_agg(step_key ORDER BY step_key) FROM highway.wait WHERE task_id = %s AND given IS NULL"
        workers.wait(run, lambda seen: seen.status == "sleeping" and scalar(connection, query, run) == sorted(keys))


def counters(workers: Workers, run: UUID) -> list[int]:
    """How often each item was worked at, by item."""
    result: Any = workers.steps(run)["f"].result
    return [each["value"] for each in result["results"]]


def test_items_are_added_while_others_are_at_work_and_begin_as_they_come(crew: Workers) -> None:
    run = crew.submit(workflow(growing(*HELD, items=["a"], parallel=True, metadata=KEPT_OPEN)))
    waits_in(crew, run, "f", "f[0]/hold")
    add(crew, run, ["b", "c"])
    waits_in(crew, run, "f", "f[0]/hold", "f[1]/hold", "f[2]/hold")
    emit(crew, run, "c", "a")
    waits_in(crew, run, "f", "f[1]/hold")
    add(crew, run, {"items": ["d"], "done": True})
    waits_in(crew, run, "f[1]/hold", "f[3]/hold")
    emit(crew, run, "b", "d")
    assert crew.finish(run).status == "completed"
    assert counters(crew, run) == [1, 1, 1, 1]
    steps: Any = crew.steps(run)
    assert [steps[f"f[]@{number}"].result["items"] for number in (1, 2)] == [["b", "c"], ["d"]]
    assert steps["f[]@1"].input["sent_by"] == "ann"


def test_one_after_another_items_wait_for_their_turn_and_the_loop_ends_when_nothing_more_has_come(
    crew: Workers,
) -> None:
    run = crew.submit(workflow(growing(*HELD, items=["e"]), counted("after", "f", counter="{{run.id}}")))
    waits_in(crew, run, "f", "f[0]/hold")
    add(crew, run, ["g"])
    emit(crew, run, "e")
    waits_in(crew, run, "f", "f[1]/hold")
    emit(crew, run, "g")
    assert crew.finish(run).status == "completed"
    assert counters(crew, run) == [1, 1]


def test_a_loop_with_nothing_to_do_ends_at_once(crew: Workers) -> None:
    run = crew.submit(workflow(growing(*HELD)))
    assert crew.finish(run).status == "completed"
    assert crew.result(run)["f"] == {"count": 0, "results": []}


@pytest.mark.parametrize("payload", ["x", {}, {"items": 1}, {"more": ["x"]}, {"items": ["x"], "done": 1}])
def test_what_no_loop_could_take_is_refused_at_the_door(crew: Workers, payload: Any) -> None:
    run = crew.submit(workflow(growing(*HELD, metadata=KEPT_OPEN)))
    with pytest.raises(InvalidError, match="items are added by a list of items"):
        add(crew, run, payload)
    add(crew, run, {"done": True})
    assert crew.finish(run).status == "completed"


def test_a_signal_under_a_name_of_the_authors_own_that_brings_no_items_fails_the_loop(crew: Workers) -> None:
    run = crew.submit(workflow(growing(*HELD, metadata=KEPT_OPEN | {"signal": "parcel"})))
    waits_in(crew, run, "f")
    crew.ask(facade.send_signal, run, name="parcel", payload="x", by="bob")
    ended = crew.finish(run)
    assert (ended.status, ended.error and ended.error["type"]) == ("failed", "BadItems")
    assert ended.error is not None
    assert "'parcel' by 'bob'" in ended.error["message"]


def test_a_run_that_only_waits_for_items_is_cancelled_at_once(crew: Workers) -> None:
    run = crew.submit(workflow(growing(*HELD, metadata=KEPT_OPEN)))
    waits_in(crew, run, "f")
    assert crew.ask(facade.cancel, run) == "cancelled"


@both_ways
def test_items_that_come_during_a_pause_begin_at_the_resume(crew: Workers, parallel: bool) -> None:
    run = crew.submit(workflow(growing(counted("work", counter="{{item}}"), parallel=parallel, metadata=KEPT_OPEN)))
    waits_in(crew, run, "f")
    assert crew.ask(facade.pause, run) == "paused"
    add(crew, run, [f"paused {parallel} 1"])
    add(crew, run, {"items": [f"paused {parallel} 2"], "done": True})
    assert crew.run(run).status == "paused"
    crew.ask(facade.resume, run)
    assert crew.finish(run).status == "completed"
    assert counters(crew, run) == [1, 1]


def test_a_restart_goes_on_with_the_items_that_came_behind_the_failure(crew: Workers) -> None:
    command = f"{gate(crew.folder, 'work')}; {needs(crew.folder, 'work')}"
    run = crew.submit(workflow(growing(shell("work", command=command), items=["a"])))
    crew.wait_for(crew.folder / "work.began")
    add(crew, run, ["b"])
    (crew.folder / "work.go").touch()
    assert crew.finish(run).status == "failed"
    allow(crew.folder, "work")
    crew.ask(facade.restart, run)
    assert crew.finish(run).status == "completed"
    assert len(crew.steps(run)["f"].result["results"]) == 2  # type: ignore[index, call-overload, arg-type]
    assert tries(crew.folder, "work") == 3


def test_a_fork_from_an_item_that_was_added_has_each_item_once(crew: Workers) -> None:
    run = crew.submit(workflow(growing(counted("work", counter="fork {{item}}"), metadata=KEPT_OPEN)))
    add(crew, run, ["a", "b"])
    waits_in(crew, run, "f")
    add(crew, run, ["c"])
    add(crew, run, {"done": True})
    assert crew.finish(run).status == "completed"
    fork = crew.ask(facade.fork, run, from_step="f[1]/work").workflow_run_id
    assert crew.finish(fork).status == "completed"
    assert counters(crew, fork) == [1, 2, 2], "the first is kept, the others are done again, and none is there twice"


@both_ways
def test_each_item_is_worked_at_once_though_workers_are_killed_at_every_turn(workers: Workers, parallel: bool) -> None:
    run = workers.submit(workflow(growing(*HELD, items=["a"], parallel=parallel, metadata=KEPT_OPEN)))
    process = workers.start()
    for number, item in enumerate("abc"):
        waits_in(workers, run, "f", f"f[{number}]/hold")
        workers.kill(process)
        add(workers, run, ["bcd"[number]])
        process = workers.start()
        if parallel:
            waits_in(workers, run, "f", f"f[{number}]/hold", f"f[{number + 1}]/hold")
        emit(workers, run, item)
    waits_in(workers, run, "f", "f[3]/hold")
    add(workers, run, {"done": True})
    workers.kill(process)
    emit(workers, run, "d")
    workers.start()
    assert workers.finish(run).status == "completed"
    assert counters(workers, run) == [1, 1, 1, 1]


@both_ways
def test_a_run_that_is_given_back_after_each_step_takes_all_items_though_nobody_tells_the_worker(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, parallel: bool
) -> None:
    monkeypatch.setenv(MODES, "always_suspend deaf")
    workers.start()
    body = counted("work", counter="{{item}}")
    run = workers.submit(workflow(growing(body, items=["a"], parallel=parallel, metadata=KEPT_OPEN)))
    for item in "bcd":
        add(workers, run, [item])
    waits_in(workers, run, "f")
    add(workers, run, {"items": ["e"], "done": True})
    assert workers.finish(run).status == "completed"
    assert counters(workers, run) == [1, 1, 1, 1, 1]


def test_items_that_race_with_the_end_of_their_loop_are_worked_at_or_refused_or_still_in_the_inbox(
    crew: Workers,
) -> None:
    definition = workflow(growing(counted("work", counter="{{item}}"), items=["first"], parallel=True))
    runs = [crew.submit(definition) for _ in range(20)]
    accepted: dict[UUID, int] = {}
    for run in runs:
        for number in range(5):
            try:
                add(crew, run, [f"{run} {number}"])
            except StateError:
                break
            accepted[run] = number + 1
    with connect(crew.database.worker) as connection:
        left = "SELECT count(*) FROM highway.signal WHERE workflow_run_id = %s AND taken_by IS NULL"
        for run in runs:
            assert crew.finish(run).status == "completed"
            worked_at = crew.steps(run)["f"].result["count"]  # type: ignore[index, call-overload]
            assert worked_at == 1 + accepted.get(run, 0) - scalar(connection, left, run)
