"""What follows a run into its retries, restarts, forks and next runs: its limits, and its variables as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BacklogFullError, StateError
from engine.model.commands import AwaitLock, ChangeLock, Record
from engine.model.errors import VersionConflictError
from engine.model.flow import FlowOptions, Singleton, TenantPolicy
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.commit import commit
from engine.queue.variables import read_variable, write_expected
from engine.queue.writes import Finished, RecordWrite, Suspended, TaskWrites, WaitWrite
from engine.services.locks import wake_first_in_line
from tests.engine.definitions import task, workflow
from tests.support.databases import Database
from tests.support.flow import end, grant, slots
from tests.support.guards import line
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, start, take, write
from tests.support.schedules import end_runs, history, make, tick

Connection = psycopg.Connection[Any]


def _sets(held: ClaimedTask, key: str, ends: Finished | None = None, **variables: Any) -> TaskWrites:
    """A checkpoint that sets variables."""
    record = Record(key, "task", "succeeded", variables=variables)
    return TaskWrites(held, records=[RecordWrite(record, 0.01)], exit=ends)


def _retry(connection: Connection, tenant: UUID, run: UUID) -> UUID:
    return facade.retry(connection, tenant_id=tenant, workflow_run_id=run).workflow_run_id


def _restart(connection: Connection, tenant: UUID, run: UUID) -> UUID:
    facade.restart(connection, tenant_id=tenant, workflow_run_id=run, by="ann")
    return run


def _fork(connection: Connection, tenant: UUID, run: UUID) -> UUID:
    return facade.fork(connection, tenant_id=tenant, workflow_run_id=run, from_step="only").workflow_run_id


def _next(connection: Connection, tenant: UUID, run: UUID) -> UUID:
    following = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).continued_to
    assert following is not None
    return following


@pytest.mark.parametrize("repeat", [_retry, _restart, _fork, _next], ids=["retry", "restart", "fork", "continue"])
def test_a_limit_of_the_submission_holds_for_whatever_repeats_the_run(
    database: Database, tenant: UUID, repeat: Callable[[Connection, UUID, UUID], UUID]
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, flow=slots(1))
        (first,) = take(database.worker)
        other = start(connection, tenant, flow=slots(1))
        assert take(database.worker) == []
        finished = Finished("completed", continue_with={}) if repeat is _next else Finished("failed")
        write(database.worker, TaskWrites(first, exit=finished))
        again = repeat(connection, tenant, run)
        grant(database)
        (second,) = take(database.worker)
        assert second.task_id == other
        end(database, second)
        grant(database)
        assert [held.task_id for held in take(database.worker)] == [again]
    assert problems(database.worker, grace_seconds=60) == []


def test_a_singleton_s_key_goes_on_with_its_chain_and_is_given_back_at_its_end(
    database: Database, tenant: UUID
) -> None:
    only = FlowOptions(singleton=Singleton("only"))
    with connect(database.worker) as connection:
        start(connection, tenant, flow=only)
        (first,) = take(database.worker)
        write(database.worker, TaskWrites(first, exit=Finished("completed", continue_with={})))
        (second,) = take(database.worker)
        assert start(connection, tenant, flow=only) == second.task_id, "it joins the run that the chain has come to"
        end(database, second)
        third = start(connection, tenant, flow=only)
        assert third != second.task_id
        end(database, *take(database.worker))
    assert problems(database.worker, grace_seconds=60) == []


def test_a_fork_has_the_variables_as_its_kept_steps_left_them(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, workflow(task("a"), task("b", "a"), task("c", "b")))
        (held,) = take(database.worker)
        write(database.worker, _sets(held, "a", x=1))
        write(database.worker, _sets(held, "b", x=None, y=[1]))
        write(database.worker, _sets(held, "c", ends=Finished("completed"), x=3, z={"n": 1}))
        found: dict[str, JsonObject] = {}
        for step in ("a", "b", "c"):
            forked = facade.fork(connection, tenant_id=tenant, workflow_run_id=run, from_step=step).workflow_run_id
            again = facade.fork(connection, tenant_id=tenant, workflow_run_id=forked, from_step=step).workflow_run_id
            rows = connection.execute(
                "SELECT name, value, version FROM highway.variable WHERE workflow_run_id = %s AND scope = ''", [again]
            )
            found[step] = {name: [value, version] for name, value, version in rows}
    assert found == {"a": {}, "b": {"x": [1, 1]}, "c": {"x": [None, 2], "y": [[1], 1]}}


def test_a_variable_is_set_only_at_the_version_that_was_read(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (held,) = take(database.worker)
        assert read_variable(connection, held, "x") is None
        write_expected(connection, _sets(held, "one", x="a"), WORKER, "x", 0)
        assert read_variable(connection, held, "x") == ("a", 1)
        for expected in (0, 2):
            with pytest.raises(VersionConflictError, match=f"at version 1 and was expected at {expected}"):
                write_expected(connection, _sets(held, "two", x="b"), WORKER, "x", expected)
        write_expected(connection, _sets(held, "two", x="b" * 300_000), WORKER, "x", 1)
        assert read_variable(connection, held, "x") == ("b" * 300_000, 2)


@pytest.mark.parametrize("before", [0, 1])
def test_who_sets_a_variable_while_another_does_sees_what_that_one_has_set(
    database: Database, tenant: UUID, before: int
) -> None:
    def try_to_set(connection: Connection) -> Exception | None:
        try:
            write_expected(connection, _sets(held, "second", x="second"), WORKER, "x", before)
        except VersionConflictError as conflict:
            return conflict
        return None

    with connect(database.worker) as first, connect(database.worker) as observer:
        start(observer, tenant)
        (held,) = take(database.worker)
        if before:
            write(database.worker, _sets(held, "before", x=0))
        with first.transaction():
            commit(first, [_sets(held, "first", x="first")], WORKER)
            second = Second(database.worker, try_to_set)
            second.wait_until_blocked(observer, by=first)
        assert isinstance(second.result(), VersionConflictError)
        assert read_variable(observer, held, "x") == ("first", before + 1)
        assert observer.execute("SELECT FROM highway.checkpoint WHERE step_key = 'second'").fetchone() is None


def _code_asks(held: ClaimedTask) -> TaskWrites:
    request: JsonObject = {"kind": "code", "note": "lock door", "name": "door", "ticket": "work.lock door"}
    ask = AwaitLock("work", "door", 60, request, ticket="work.lock door")
    return TaskWrites(
        held, waits=[WaitWrite("work", "lock", 60, request=request)], lock_requests=[ask], exit=Suspended()
    )


def test_who_is_behind_a_holder_and_a_waiter_that_leave_at_the_same_moment_is_woken(
    database: Database, tenant: UUID
) -> None:
    """Neither of them sees that the other one goes: it is the service that looks who is first now."""
    let_go = ChangeLock("work.lock door", "door", "left")
    with connect(database.worker) as first, connect(database.worker) as observer:
        runs = [start(observer, tenant) for _ in range(3)]
        tasks = {held.task_id: held for held in take(database.worker)}
        for run in runs:
            write(database.worker, _code_asks(tasks[run]))
        (holder,) = take(database.worker)
        late = "UPDATE highway.task SET state = 'pending', available_at = highway.now() WHERE task_id = %s"
        observer.execute(late, [runs[1]])
        (waiter,) = take(database.worker)
        with first.transaction():
            commit(first, [TaskWrites(holder, lock_changes=[let_go])], WORKER)
            given_up = TaskWrites(waiter, lock_changes=[let_go], ended_waits=["work"], exit=Finished("failed"))
            write(database.worker, given_up)  # nobody waits for anybody
            assert line(observer, tenant) == [runs[0], runs[2]]
        assert line(observer, tenant) == [runs[2]]
        assert wake_first_in_line(observer, WORKER) == 1
        assert [held.task_id for held in take(database.worker)] == [runs[2]]
    assert problems(database.worker, grace_seconds=60) == []


def test_a_tick_that_finds_no_room_is_skipped_with_the_reason(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        schedule = make(connection, tenant)
        start(connection, tenant)
        facade.set_tenant_policy(connection, tenant_id=tenant, policy=TenantPolicy(max_backlog=1), paused=False)
        assert tick(database.worker, timedelta(seconds=70)) == 0
        with pytest.raises(BacklogFullError):
            facade.run_schedule_now(connection, tenant_id=tenant, schedule_id=schedule.schedule_id, by="ann")
        facade.set_tenant_policy(connection, tenant_id=tenant, policy=TenantPolicy(), paused=False)
        drain = facade.QueueChange(draining=True)
        facade.change_queue(connection, tenant_id=tenant, name="default", change=drain, by="ann")
        assert tick(database.worker, timedelta(seconds=130)) == 0
        with pytest.raises(StateError, match="draining"):
            facade.run_schedule_now(connection, tenant_id=tenant, schedule_id=schedule.schedule_id, by="ann")
        facade.change_queue(
            connection, tenant_id=tenant, name="default", change=facade.QueueChange(draining=False), by="ann"
        )
        assert tick(database.worker, timedelta(seconds=190)) == 1
        seen = history(connection, tenant, schedule)
        end_runs(connection, tenant)
    assert [one.outcome for one in seen] == ["skipped", "skipped", "fired"]
    assert [one.reason for one in seen][:2] == [
        "1 runs are waiting to start, and 1 is the limit",
        "the queue default is draining: it takes no new runs",
    ]
