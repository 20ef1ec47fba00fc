"""Dead workers: their tasks go to others, once, and a living worker's tasks never do."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import psycopg

from engine.db.connection import connect
from engine.db.queries import load
from engine.queue.commit import commit
from engine.services.rescue import rescue
from tests.support.databases import Database
from tests.support.interleaving import Second, brake, problems
from tests.support.runs import scalar, start, step, take, write

_sql = load("worker")


def _join(connection: psycopg.Connection[Any], lease_seconds: float = 30, *, locked: bool = True) -> UUID:
    """A worker whose connection this is."""
    worker_id, lock_key = uuid4(), uuid4().int % 2**62
    if locked:
        _sql.take_lock.run(connection, lock_key=lock_key)
    _sql.register.run(
        connection,
        worker_id=worker_id,
        name="w",
        lock_key=lock_key,
        queues=["default"],
        slots=1,
        capacity=1,
        state="active",
        reason="",
        capacity_override=None,
        batch_override=None,
        code_version="",
        lease_seconds=lease_seconds,
    )
    return worker_id


def test_a_task_that_a_living_worker_claimed_during_the_rescue_stays_its_own(database: Database, tenant: UUID) -> None:
    """1 the rescuer sees two lost tasks, 2 another one rescues the second, 3 a living worker claims it, 4 the rescuer comes to it."""
    with connect(database.worker) as living, connect(database.worker) as observer:
        alive = _join(living)
        early, late = start(observer, tenant), start(observer, tenant)
        take(database.worker, worker_id=uuid4())
        with brake(database, early):

            def slowly(connection: psycopg.Connection[Any]) -> Any:
                for join in (
                    "hashjoin",
                    "mergejoin",
                ):  # row by row: the second row is locked after the first was updated
                    connection.execute(f"SET enable_{join} = off")
                return _sql.rescue.many(connection, quantity=10)

            second = Second(database.worker, slowly)
            second.wait_until_blocked(observer)
            observer.execute(
                "UPDATE highway.task SET state = 'pending', epoch = epoch + 1, claimed_by = NULL WHERE task_id = %s",
                [late],
            )
            (claimed,) = take(database.worker, worker_id=alive)
            assert claimed.task_id == late
        assert {row["task_id"] for row in second.result()} == {early}
        assert write(database.worker, step(claimed, "only")).live == {late}


def test_a_rescue_passes_by_a_task_whose_last_writer_is_still_committing(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker, worker_id=uuid4())
        with first.transaction():
            commit(first, [step(task, "only")], uuid4())
            assert _sql.rescue.many(observer, quantity=10) == []
        assert [row["task_id"] for row in _sql.rescue.many(observer, quantity=10)] == [run]
        (again,) = take(database.worker)
        assert again.attempt == 2
        assert again.rescues == 1
        assert scalar(observer, "SELECT count(*) FROM highway.checkpoint") == 1


def test_two_rescuers_at_once_rescue_each_task_once(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        for _ in range(5):
            start(observer, tenant)
        take(database.worker, worker_id=uuid4())
        with first.transaction():
            assert len(_sql.rescue.many(first, quantity=3)) == 3
            assert len(_sql.rescue.many(observer, quantity=10)) == 2
        assert scalar(observer, "SELECT max(rescues) FROM highway.task") == 1
        assert problems(database.worker) == []


def test_a_worker_that_beats_while_it_is_being_declared_dead_lives(database: Database) -> None:
    with connect(database.worker) as beating, connect(database.worker) as other:
        worker_id = _join(beating, lease_seconds=-1)
        with beating.transaction():
            beat = {"worker_id": worker_id, "running": 0, "draining": False, "lease_seconds": 30}
            assert _sql.heartbeat.one(beating, **beat)
            assert _sql.bury_dead.many(other, worker_id=uuid4()) == []
        assert _sql.bury_dead.many(other, worker_id=uuid4()) == []


def test_a_worker_that_was_declared_dead_first_learns_it_from_its_heartbeat(database: Database) -> None:
    with (
        connect(database.worker) as first,
        connect(database.worker) as frozen,
        connect(database.worker) as observer,
    ):
        worker_id = _join(frozen, lease_seconds=-1)
        with first.transaction():
            assert [row["worker_id"] for row in _sql.bury_dead.many(first, worker_id=uuid4())] == [worker_id]
            beat = {"worker_id": worker_id, "running": 0, "draining": False, "lease_seconds": 30}
            second = Second(database.worker, lambda connection: _sql.heartbeat.one(connection, **beat))
            second.wait_until_blocked(observer)
        assert second.result() is None


def test_what_a_dead_worker_claims_before_it_knows_is_rescued(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as frozen, connect(database.worker) as observer:
        worker_id = _join(frozen, lease_seconds=-1)
        rescue(observer, uuid4())
        run = start(observer, tenant)
        (task,) = take(database.worker, worker_id=worker_id)
        assert problems(database.worker) == [f"task '' of {run} is running: its worker is gone and it was not rescued"]
        assert rescue(observer, uuid4()) == 1
        assert write(database.worker, step(task, "only"), worker_id=worker_id).stale == {run}
        assert problems(database.worker) == []


def test_a_worker_whose_connection_is_gone_is_dead_at_once_whatever_its_lease_says(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as observer:
        with connect(database.worker) as dying:
            worker_id = _join(dying, lease_seconds=3600)
            start(observer, tenant)
            take(database.worker, worker_id=worker_id)
            assert rescue(observer, uuid4()) == 0
            backend = dying.info.backend_pid
        _wait_until_gone(observer, backend)  # a closed connection's server process ends a moment later
        assert rescue(observer, uuid4()) == 1


def _wait_until_gone(observer: psycopg.Connection[Any], backend: int) -> None:
    until = time.monotonic() + 10
    while scalar(observer, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", backend):
        assert time.monotonic() < until, "the server process of a closed connection is still there"
        time.sleep(0.01)


def test_a_worker_whose_connection_lives_is_not_declared_dead(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as living, connect(database.worker) as other:
        alive = _join(living)
        start(other, tenant)
        (task,) = take(database.worker, worker_id=alive)
        assert rescue(other, uuid4()) == 0
        assert scalar(other, "SELECT array_agg(worker_id) FROM highway.worker") == [alive]
        assert write(database.worker, step(task, "only")).live == {task.task_id}
