"""Locks: nobody waits where it would hurt, nobody waits in a circle, and who waited sees what the other one did."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BusyError
from engine.db.queries import load
from engine.kit.ids import uuid7
from engine.model.commands import Record
from engine.queue.alone import StaleClaimError, step_transaction
from engine.queue.commit import commit
from engine.queue.writes import Finished, ForkWrite, JournalWrite, RecordWrite, TaskWrites
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, fork, fork_and_wait, scalar, start, states, step, take, write

_HOLD = "SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE"


def test_a_change_that_keeps_the_epoch_does_not_make_a_waiting_commit_stale(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("UPDATE highway.task SET running_steps = '[]' WHERE task_id = %s", [run])
            second = Second(database.worker, lambda connection: commit(connection, [step(task, "only")], WORKER))
            second.wait_until_blocked(observer)
        assert second.result().live == {run}


def test_showing_running_steps_passes_by_a_locked_task(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as beating:
        runs = [start(beating, tenant) for _ in range(2)]
        tasks = take(database.worker)
        with first.transaction():
            first.execute(_HOLD, [runs[0]])
            shown = load("worker").show_running.many(
                beating,
                tenant_ids=[tenant, tenant],
                task_ids=[task.task_id for task in tasks],
                epochs=[task.epoch for task in tasks],
                steps=["[1]", "[1]"],
            )
        assert {row["task_id"] for row in shown} == {runs[1]}


def test_a_cancel_finds_what_a_fork_of_a_fork_added_while_it_waited(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as last, connect(database.worker) as observer:
        run = start(observer, tenant)
        write(database.worker, fork_and_wait(take(database.worker)[0], "a", "b"))
        a, b = sorted(take(database.worker), key=lambda task: task.task_id)
        with last.transaction():
            last.execute(_HOLD, [b.task_id])  # keeps the cancel between its first look and its second
            with first.transaction():
                first.execute(_HOLD, [a.task_id])
                second = Second(
                    database.worker,
                    lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run),
                )
                second.wait_until_blocked(observer)
                commit(first, [fork(a, f"{a.key}/x")], WORKER)
            write(database.worker, fork(take(database.worker)[0], f"{a.key}/x/y"))
        second.result()
        assert states(observer, run) == {
            "": "pending",  # it waits, undoing, for what is executed
            a.key: "running",
            b.key: "running",
            f"{a.key}/x": "running",
            f"{a.key}/x/y": "cancelled",
        }
        assert (
            scalar(observer, "SELECT count(*) FROM highway.task WHERE state = 'running' AND NOT cancel_requested") == 0
        )
        assert problems(database.worker, grace_seconds=60) == []


def test_a_cancel_gives_up_its_locks_before_it_waits_for_a_task_that_comes_before_them(
    database: Database, tenant: UUID
) -> None:
    """1 the cancel holds the root and waits for `a`, 2 `a` forks, 3 the fork is held by somebody who will want the root."""
    early = uuid7()
    with (
        connect(database.worker) as first,
        connect(database.worker) as last,
        connect(database.worker) as third,
        connect(database.worker) as observer,
    ):
        run = start(observer, tenant)
        write(database.worker, fork(take(database.worker)[0], "a", "b"))
        a, b = sorted(take(database.worker), key=lambda task: task.task_id)
        with third.transaction():
            with last.transaction():
                last.execute(_HOLD, [b.task_id])  # keeps the cancel between its first look and its second
                with first.transaction():
                    first.execute(_HOLD, [a.task_id])
                    second = Second(
                        database.worker,
                        lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run),
                    )
                    second.wait_until_blocked(observer)
                    new = ForkWrite(early, f"{a.key}/x", "branch", [], {}, {}, None)
                    commit(first, [TaskWrites(a, forks=[new])], WORKER)
                third.execute(_HOLD, [early])
            second.wait_until_blocked(observer, by=third)
            third.execute(_HOLD, [run])
        second.result()
        assert states(observer, run)[f"{a.key}/x"] == "cancelled"


def test_a_tool_s_transaction_holds_nobody_up_while_the_tool_runs(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with step_transaction(first, task, WORKER) as (transaction, record):
            transaction.counter_add("c", 1)
            assert write(database.worker, step(task, "beside")).live == {run}
            facade.cancel(observer, tenant_id=tenant, workflow_run_id=run)
            record(step(task, "counted"))
        assert scalar(observer, "SELECT value FROM highway.counter") == 1
        assert scalar(observer, "SELECT count(*) FROM highway.checkpoint") == 2


def test_a_tool_s_transaction_whose_task_was_rescued_meanwhile_changes_nothing(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        start(observer, tenant)
        (task,) = take(database.worker)
        with pytest.raises(StaleClaimError), step_transaction(first, task, WORKER) as (transaction, record):
            transaction.counter_add("c", 1)
            load("worker").rescue.many(observer, quantity=10)
            record(step(task, "counted"))
        assert scalar(observer, "SELECT count(*) FROM highway.counter") == 0
        assert scalar(observer, "SELECT count(*) FROM highway.checkpoint") == 0
        assert first.execute("SELECT 1").fetchone() == (1,), "the connection is usable"


def test_two_tools_that_count_in_opposite_order_are_told_to_try_again(database: Database, tenant: UUID) -> None:
    def count(connection: object, task: object, *names: str) -> str:
        with step_transaction(connection, task, WORKER) as (transaction, record):  # type: ignore[arg-type]
            for name in names:
                transaction.counter_add(name, 1)
            record(step(task, "counted"))  # type: ignore[arg-type]
        return "counted"

    with connect(database.worker, lock_seconds=30) as first, connect(database.worker) as observer:
        start(observer, tenant)
        start(observer, tenant)
        one, other = take(database.worker)
        outcomes: list[object] = []
        try:
            with step_transaction(first, one, WORKER) as (transaction, record):
                transaction.counter_add("a", 1)
                second = Second(database.worker, lambda connection: count(connection, other, "b", "a"))
                second.wait_until_blocked(observer)
                transaction.counter_add("b", 1)
                record(step(one, "counted"))
            outcomes.append("counted")
        except BusyError as error:
            outcomes.append(error)
        outcomes.append(second.result())
        assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["BusyError", "str"]


def test_a_row_that_somebody_holds_delays_its_own_task_only(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker, lock_seconds=0.2) as loop:
        runs = [start(loop, tenant) for _ in range(3)]
        tasks = take(database.worker)
        batch = [step(task, "only", exit=Finished("completed")) for task in tasks]
        with first.transaction():
            first.execute(_HOLD, [runs[1]])
            result = commit(loop, batch, WORKER)
        assert result.busy == {runs[1]}
        assert result.live == {runs[0], runs[2]}
        assert result.refused == {}
        assert commit(loop, [writes for writes in batch if writes.task.task_id == runs[1]], WORKER).live == {runs[1]}
        assert problems(database.worker) == []


def test_a_value_that_cannot_be_stored_is_refused_alone_and_the_connection_lives_on(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as loop:
        runs = [start(loop, tenant) for _ in range(4)]
        tasks = {task.task_id: task for task in take(database.worker)}
        batch = [step(tasks[run], "only") for run in runs]
        batch[0].records[0] = RecordWrite(Record("only", "task", "succeeded", "\0"), 0.0)  # no JSON for PostgreSQL
        batch[1].journal.append(JournalWrite("log", "\0", {}))  # no text for psycopg
        batch[2].records.append(batch[2].records[0])  # no second row for the primary key
        result = commit(loop, batch, WORKER)
        assert set(result.refused) == set(runs[:3])
        assert result.live == {runs[3]}
        assert commit(loop, [step(tasks[runs[0]], "another")], WORKER).live == {runs[0]}
