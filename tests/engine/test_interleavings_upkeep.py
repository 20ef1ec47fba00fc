"""Circuit breakers and named locks when two sessions meet. Each second session is proved to be blocked, or passes by what is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.queries import load
from engine.model.breakers import BreakerPolicy
from engine.model.task import ClaimedTask
from engine.queue.claims import wake_due
from engine.queue.commit import commit
from engine.queue.loading import load_waits
from engine.queue.writes import Finished, Suspended, TaskWrites
from engine.services.locks import wake_first_in_line
from engine.services.rescue import rescue
from tests.support.databases import Database
from tests.support.guards import (
    admit,
    ask_for,
    breaker,
    ended,
    holds,
    isolation_is_over,
    leaves,
    line,
    releases,
)
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, states, take, write

DONE = Finished("completed")
TWICE = BreakerPolicy(failure_threshold=2, success_threshold=1, isolation_seconds=60)


@contextmanager
def _sessions(database: Database) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with connect(database.worker) as first, connect(database.worker) as observer:
        yield first, observer


def _claims(database: Database, connection: psycopg.Connection[Any], tenant: UUID, number: int) -> list[ClaimedTask]:
    runs = [start(connection, tenant) for _ in range(number)]
    taken = {task.task_id: task for task in take(database.worker)}
    return [taken[run] for run in runs]


def _state(connection: psycopg.Connection[Any], tenant: UUID) -> str:
    row = breaker(connection, tenant)
    return row["state"] if row else "none"


def test_of_two_who_ask_when_the_isolation_is_over_one_is_the_probe(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one))
        isolation_is_over(observer, tenant)
        with first.transaction():
            assert admit(first, one)["admitted"]
            second = Second(database.worker, lambda own: admit(own, other))
            second.wait_until_blocked(observer, first)
        assert second.result()["admitted"] is False
        assert _state(observer, tenant) == "half_open"


def test_who_asks_while_the_probe_succeeds_finds_it_closed(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one))
        isolation_is_over(observer, tenant)
        admit(observer, one)
        with first.transaction():
            commit(first, [ended(one, "succeeded")], WORKER)
            second = Second(database.worker, lambda own: admit(own, other))
            second.wait_until_blocked(observer, first)
        assert second.result()["state"] == "closed"


def test_who_asks_while_the_probe_fails_finds_it_open(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one))
        isolation_is_over(observer, tenant)
        admit(observer, one)
        with first.transaction():
            commit(first, [ended(one, "failed")], WORKER)
            second = Second(database.worker, lambda own: admit(own, other))
            second.wait_until_blocked(observer, first)
        assert (second.result()["admitted"], _state(observer, tenant)) == (False, "open")


def test_two_failures_at_once_are_two(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        with first.transaction():
            commit(first, [ended(one, "failed", TWICE)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [ended(other, "failed", TWICE)], WORKER))
            second.wait_until_blocked(observer, first)
        second.result()
        assert _state(observer, tenant) == "open"


def test_a_failure_that_waits_for_a_success_begins_a_new_count(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one, "failed", TWICE))
        with first.transaction():
            commit(first, [ended(one, "succeeded", TWICE)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [ended(other, "failed", TWICE)], WORKER))
            second.wait_until_blocked(observer, first)
        second.result()
        assert _state(observer, tenant) == "closed"


def test_a_late_success_that_waits_for_the_opening_does_not_close_it(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one, "failed", TWICE))
        with first.transaction():
            commit(first, [ended(one, "failed", TWICE)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [ended(other, "succeeded", TWICE)], WORKER))
            second.wait_until_blocked(observer, first)
        second.result()
        assert _state(observer, tenant) == "open"


def test_a_reset_that_waits_for_a_failure_takes_it_away(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, _ = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one, "failed", TWICE))
        with first.transaction():
            commit(first, [ended(one, "failed", TWICE)], WORKER)
            second = Second(database.worker, lambda own: facade.reset_breakers(own, tenant_id=tenant))
            second.wait_until_blocked(observer, first)
        assert second.result() == 1
        assert _state(observer, tenant) == "none"


def test_a_probe_that_ends_while_its_breaker_is_reset_changes_nothing(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        (one,) = _claims(database, observer, tenant, 1)
        write(database.worker, ended(one))
        isolation_is_over(observer, tenant)
        admit(observer, one)
        with first.transaction():
            facade.reset_breakers(first, tenant_id=tenant, resource_key="billing")
            second = Second(database.worker, lambda own: commit(own, [ended(one, "succeeded")], WORKER))
            second.wait_until_blocked(observer, first)
        assert second.result().live == {one.task_id}
        assert _state(observer, tenant) == "none"


def test_the_outcome_of_a_rescued_probe_is_not_heard_and_another_may_probe(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, _ = _claims(database, observer, tenant, 2)
        write(database.worker, ended(one))
        isolation_is_over(observer, tenant)
        admit(observer, one)
        with first.transaction():
            assert rescue(first, WORKER) == 2  # nobody is WORKER: its claims go
            second = Second(database.worker, lambda own: commit(own, [ended(one, "succeeded")], WORKER))
            second.wait_until_blocked(observer, first)
        assert second.result().stale == {one.task_id}
        assert _state(observer, tenant) == "half_open"
        (again, *_) = take(database.worker)
        assert admit(observer, again)["admitted"]


def test_of_two_who_take_a_lock_at_once_the_second_stands_behind(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        with first.transaction():
            commit(first, [ask_for(one)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [ask_for(other)], WORKER))
            second.wait_until_blocked(observer, first)
        second.result()
        assert line(observer, tenant) == [one.task_id, other.task_id]
        assert [states(observer, task.task_id)[""] for task in (one, other)] == ["pending", "sleeping"]
        assert problems(database.worker) == []


def test_two_locks_are_taken_at_once_without_waiting(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        with first.transaction():
            commit(first, [ask_for(one, "a")], WORKER)
            assert write(database.worker, ask_for(other, "b")).live == {other.task_id}
        assert {task.task_id for task in take(database.worker)} == {one.task_id, other.task_id}


def test_a_first_in_line_that_rolls_back_leaves_the_lock_to_the_second(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        with first.transaction(force_rollback=True):
            commit(first, [ask_for(one)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [ask_for(other)], WORKER))
            second.wait_until_blocked(observer, first)
        second.result()
        assert line(observer, tenant) == [other.task_id]
        assert states(observer, other.task_id) == {"": "pending"}


def _holder_and_waiter(
    database: Database, connection: psycopg.Connection[Any], tenant: UUID
) -> tuple[ClaimedTask, UUID]:
    """One task holds the lock and is claimed, another sleeps in line."""
    one, other = _claims(database, connection, tenant, 2)
    write(database.worker, ask_for(one), ask_for(other))
    (holder,) = take(database.worker)
    write(database.worker, holds(holder))
    return holder, other.task_id


def test_a_release_wakes_the_next_before_anybody_can_take_the_lock(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        start(observer, tenant)
        (late,) = take(database.worker)
        with first.transaction():
            commit(first, [releases(holder)], WORKER)
            write(database.worker, ask_for(late))  # stands in line meanwhile, without waiting for the release
        assert line(observer, tenant) == [waiter, late.task_id]
        assert states(observer, waiter) == {"": "pending"}
        assert states(observer, late.task_id) == {"": "sleeping"}
        assert problems(database.worker, grace_seconds=60) == []


def test_a_holder_that_is_cancelled_while_it_releases_lets_go_once(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        with first.transaction():
            commit(first, [releases(holder, exit=DONE)], WORKER)
            second = Second(
                database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=holder.task_id)
            )
            second.wait_until_blocked(observer, first)
        second.result()
        assert line(observer, tenant) == [waiter]
        told = "SELECT count(*) FROM highway.journal WHERE kind = 'lock_released'"
        assert scalar(observer, told) == 1


def test_a_late_holder_cannot_release_what_is_anothers_by_now(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        with first.transaction():
            assert rescue(first, WORKER) == 1
            second = Second(database.worker, lambda own: commit(own, [releases(holder)], WORKER))
            second.wait_until_blocked(observer, first)
        assert second.result().stale == {holder.task_id}
        assert line(observer, tenant) == [holder.task_id, waiter], "the task holds it, whoever executes it"


def test_a_waiter_that_is_cancelled_while_it_is_woken_leaves_the_line(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        with first.transaction():
            commit(first, [releases(holder, exit=DONE)], WORKER)
            second = Second(database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=waiter))
            second.wait_until_blocked(observer, first)
        assert second.result() == "cancelled"
        assert line(observer, tenant) == []
        assert problems(database.worker) == []


def test_a_lock_and_a_time_limit_that_meet_are_a_lock(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ask_for(one), ask_for(other, seconds=0.05))
        (holder,) = take(database.worker)
        write(database.worker, holds(holder))
        observer.execute("SELECT pg_sleep(0.1)")
        with first.transaction():
            commit(first, [releases(holder, exit=DONE)], WORKER)
            assert wake_due(observer, quantity=10)[0] == 0, "it is being woken already, and passed by"
        (woken,) = take(database.worker)
        (over,) = load_waits(observer, [woken])[woken.task_id].over
        assert not over.timed_out


def test_a_waiter_that_gives_up_while_the_holder_releases_is_passed_over(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        runs = _claims(database, observer, tenant, 3)
        write(database.worker, *(ask_for(task) for task in runs))
        (holder,) = take(database.worker)
        write(database.worker, holds(holder))
        observer.execute(
            "UPDATE highway.task SET state = 'pending', available_at = now() WHERE task_id = %s", [runs[1].task_id]
        )
        (giving_up,) = take(database.worker)
        with first.transaction():
            commit(first, [leaves(giving_up, exit=DONE)], WORKER)
            write(database.worker, releases(holder, exit=DONE))  # passes by who is busy leaving
        assert line(observer, tenant) == [runs[2].task_id]
        assert wake_first_in_line(observer, WORKER) + (states(observer, runs[2].task_id)[""] == "pending") >= 1
        assert states(observer, runs[2].task_id) == {"": "pending"}
        assert problems(database.worker) == []


def test_who_goes_to_sleep_while_the_lock_is_released_is_woken_by_the_service(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        one, other = _claims(database, observer, tenant, 2)
        write(database.worker, ask_for(one))
        (holder,) = take(database.worker)
        write(database.worker, holds(holder))
        with first.transaction():
            commit(first, [ask_for(other)], WORKER)  # still sees the holder, and goes to sleep
            write(database.worker, releases(holder, exit=DONE))  # does not see who is not in line yet
        assert states(observer, other.task_id) == {"": "sleeping"}
        assert wake_first_in_line(observer, WORKER) == 1
        assert problems(database.worker) == []


def test_two_services_wake_the_first_in_line_once(database: Database, tenant: UUID) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        with connect(database.worker) as busy, busy.transaction():
            busy.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [waiter])
            write(database.worker, releases(holder, exit=DONE))
        with first.transaction():
            assert wake_first_in_line(first, WORKER) == 1
            assert wake_first_in_line(observer, WORKER) == 0
        assert [task.task_id for task in take(database.worker)] == [waiter]


@pytest.mark.parametrize("state", ["failed", "cancelled", "completed"])
def test_a_lock_of_a_run_that_ends_any_way_goes_to_the_next(database: Database, tenant: UUID, state: str) -> None:
    with _sessions(database) as (first, observer):
        holder, waiter = _holder_and_waiter(database, observer, tenant)
        with first.transaction():
            commit(first, [TaskWrites(holder, exit=Finished(state, error={"kind": "tool"}))], WORKER)  # type: ignore[arg-type]
            second = Second(database.worker, lambda own: commit(own, [TaskWrites(holder, exit=Suspended())], WORKER))
            second.wait_until_blocked(observer, first)
        assert second.result().stale == {holder.task_id}
        assert line(observer, tenant) == [waiter]
        assert states(observer, waiter) == {"": "pending"}
        assert load("lock").of_run.many(observer, tenant_id=tenant, workflow_run_id=waiter)[0]["ahead"] == 0
