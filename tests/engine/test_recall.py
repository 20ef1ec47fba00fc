"""What a claim tells of a task that is taken up again is what its rows say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.activity import Beat
from engine.model.commands import Record
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.queue.claims import Catch, Look, Want
from engine.queue.loading import load_tasks
from engine.queue.writes import Finished, HandedBack, RecordWrite, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.runs import WORKER, fork, start, take, write

QUEUES = ("default", "default:activities")


def _look(connection: psycopg.Connection[Any], quantity: int = 4) -> Catch:
    look = Look(WORKER, [Want(QUEUES, quantity)])
    with connection.pipeline():
        look.send(connection)
    look.receive(connection)
    return look.catch()


def _records(*records: Record) -> list[RecordWrite]:
    return [RecordWrite(record, 0.25) for record in records]


def _ended(task: ClaimedTask, keys: Sequence[str]) -> TaskWrites:
    return TaskWrites(task, records=_records(*(Record(key, "task", "succeeded", key) for key in keys)))


def test_a_task_is_remembered_with_its_claim_as_its_rows_say(database: Database, tenant: UUID) -> None:
    error = StepError("tool", "no", "ValueError", retryable=False)
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        waits = [
            WaitWrite("event", "event", event_name="go", seconds=60),
            WaitWrite("late", "event", event_name="never", seconds=0),
            WaitWrite("timer", "timer", seconds=0),
            WaitWrite("again", "retry", seconds=60, attempt=2, error=error),
            WaitWrite("message", "signal", event_name="message"),
        ]
        first = Record("b", "task", "succeeded", {"deep": [1, 2.5, None, "ä"]}, variables={"b": {"x": 1}})
        write(database.worker, TaskWrites(task, records=_records(first), waits=waits))
        write(database.worker, TaskWrites(task, records=_records(Record("a", "task", "failed", error=error))))
        write(database.worker, fork(task, "branch", waits=[WaitWrite("join", "tasks", awaited=["branch", "nobody"])]))
        write(database.worker, TaskWrites(task, exit=Suspended()))
        facade.emit_event(connection, tenant_id=tenant, workflow_run_id=run, name="go", payload=[1])
        facade.send_signal(connection, tenant_id=tenant, workflow_run_id=run, name="message", payload={"for": "it"})
        catch = _look(connection)
        tasks = catch.tasks
        assert {task.kind for task in tasks} == {"workflow", "branch"}
        assert set(catch.memories) == {task.task_id for task in tasks}
        remembered, read = load_tasks(connection, tasks, catch.memories), load_tasks(connection, tasks)
    for loaded in (*remembered.values(), *read.values()):
        loaded.waiting.sort(key=lambda wait: wait.key)
        loaded.over.sort(key=lambda over: over.key)
    assert remembered == read
    own = remembered[run]
    assert [step.key for step in own.recorded] == ["b", "a"]
    assert own.variables == {"b": {"x": 1}}
    assert {over.key for over in own.over} == {"event", "late", "timer", "message"}


def test_an_activity_is_remembered_with_what_its_last_attempt_left(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, fork(task, "work", kind="activity"))
        (activity,) = take(database.worker)
        beat = Beat(1, 0.1, 0.0, own=True, details='{"page": 3}')
        write(database.worker, TaskWrites(activity, beats=[beat], exit=HandedBack()))
        catch = _look(connection)
        (again,) = catch.tasks
        remembered, read = load_tasks(connection, [again], catch.memories), load_tasks(connection, [again])
    assert catch.memories
    assert remembered == read
    assert remembered[again.task_id].past.details == {"page": 3}


def test_a_fresh_run_has_nothing_to_remember(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        assert not _look(connection).memories


@pytest.mark.parametrize(("steps", "is_told"), [(100, True), (101, False)])
def test_a_long_past_is_read_in_rows(database: Database, tenant: UUID, steps: int, is_told: bool) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, _ended(task, [f"step_{n}" for n in range(steps)]))
        write(database.worker, TaskWrites(task, exit=HandedBack()))
        catch = _look(connection)
        (again,) = catch.tasks
        assert bool(catch.memories) is is_told
        assert len(load_tasks(connection, [again], catch.memories)[again.task_id].recorded) == steps


@pytest.mark.parametrize(("runs", "is_told"), [(4, True), (5, False)])
def test_of_many_tasks_all_rows_are_read_at_once(database: Database, tenant: UUID, runs: int, is_told: bool) -> None:
    with connect(database.worker) as connection:
        for _ in range(runs):
            start(connection, tenant)
        for task in take(database.worker):
            write(database.worker, _ended(task, ["only"]))
            write(database.worker, TaskWrites(task, exit=HandedBack()))
        catch = _look(connection, quantity=10)
        tasks = catch.tasks
        assert len(tasks) == runs
        assert len(catch.memories) == (runs if is_told else 0)
        loaded = load_tasks(connection, tasks, catch.memories)
        assert all([step.key for step in loaded[task.task_id].recorded] == ["only"] for task in tasks)


def test_what_many_have_given_is_read_in_rows_and_at_the_end_of_a_task_not_at_all(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (task,) = take(database.worker)
        keys = [f"b{number}" for number in range(101)]
        waits = [WaitWrite("@open", "tasks", awaited=keys), WaitWrite("join", "tasks", awaited=keys[:1])]
        write(database.worker, fork(task, *keys, waits=waits, exit=Suspended()))
        for branch in take(database.worker, quantity=200):
            write(database.worker, TaskWrites(branch, exit=Finished("completed", {"much": branch.key})))
        catch = _look(connection)
        (again,) = catch.tasks
        assert not catch.memories
        over = {each.key: each.payload for each in load_tasks(connection, [again])[again.task_id].over}
    assert over["join"]["b0"]["result"] == {"much": "b0"}
    assert {end["status"] for end in over["@open"].values()} == {"completed"}
    assert [end["result"] for end in over["@open"].values()] == [None] * 101
