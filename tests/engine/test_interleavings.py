"""Pairs of operations that meet: the second is blocked on a lock before the first commits, and then sees what the first did."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.interleaving import Second
from tests.support.runs import scalar, start, take, write


def _suspend(task: Any) -> TaskWrites:
    return TaskWrites(task, waits=[WaitWrite("hear", "event", event_name="go")], exit=Suspended())


def test_emit_then_wait_the_waiter_finds_the_event(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("SELECT highway.emit_event(%s, %s, 'go')", [tenant, run])
            second = Second(database.worker, lambda _: write(database.worker, _suspend(task)))
            time.sleep(0.2)
            assert scalar(observer, "SELECT count(*) FROM highway.wait") == 0, "the waiter must not pass the emitter"
        second.result()
        assert scalar(observer, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"


def test_wait_then_emit_the_emitter_finds_the_waiter(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        take(database.worker)
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [run])
            first.execute(
                "INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, event_name) VALUES (%s, %s, 'hear', %s, 'event', 'go')",
                [tenant, run, run],
            )
            first.execute("UPDATE highway.task SET state = 'sleeping', claimed_by = NULL WHERE task_id = %s", [run])
            second = Second(
                database.worker,
                lambda connection: facade.emit_event(connection, tenant_id=tenant, workflow_run_id=run, name="go"),
            )
            second.wait_until_blocked(observer)
        assert second.result() is True
        assert scalar(observer, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"


def test_cancel_then_claim_the_claim_passes_by(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        with first.transaction():
            first.execute("SELECT highway.cancel_run(%s, %s, 'stop')", [tenant, run])
            assert take(database.worker) == [], "a claim never waits for a lock"
        assert take(database.worker) == []
        assert scalar(observer, "SELECT status FROM highway.workflow_run") == "cancelled"


def test_complete_then_cancel_the_cancel_is_refused(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [run])
            first.execute(
                "SELECT highway.finish_tasks(ARRAY[%s::uuid], ARRAY[%s::uuid], ARRAY[%s::int], ARRAY['completed'], ARRAY[NULL], ARRAY[NULL])",
                [tenant, run, task.epoch],
            )
            second = Second(
                database.worker, lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
            )
            second.wait_until_blocked(observer)
        assert isinstance(second.result(), StateError)
        assert scalar(observer, "SELECT status FROM highway.workflow_run") == "completed"


def test_rescue_then_complete_the_late_writer_changes_nothing(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute(
                "UPDATE highway.task SET state = 'pending', claimed_by = NULL, epoch = epoch + 1, rescues = rescues + 1 WHERE task_id = %s",
                [run],
            )
            second = Second(
                database.worker, lambda _: write(database.worker, TaskWrites(task, exit=Finished("completed")))
            )
            time.sleep(0.2)
        assert second.result().stale == {run}
        assert scalar(observer, "SELECT status FROM highway.workflow_run") == "pending"


def test_two_equal_idempotency_keys_at_once_the_second_gets_the_first_answer(database: Database, tenant: UUID) -> None:
    with connect(database.web) as first, connect(database.worker) as observer:
        with first.transaction():
            assert facade.claim_key(first, tenant_id=tenant, key="k", request_hash="h") is None
            second = Second(
                database.web,
                lambda connection: facade.claim_key(connection, tenant_id=tenant, key="k", request_hash="h"),
            )
            second.wait_until_blocked(observer)
            facade.answer(first, tenant_id=tenant, key="k", status=201, body={"n": 1})
        assert second.result() == facade.Answer(201, {"n": 1}, None)


def test_an_idempotency_key_whose_first_use_rolled_back_is_free(database: Database, tenant: UUID) -> None:
    with connect(database.web) as first, connect(database.worker) as observer:
        with pytest.raises(RuntimeError), first.transaction():
            facade.claim_key(first, tenant_id=tenant, key="k", request_hash="h")
            second = Second(
                database.web,
                lambda connection: facade.claim_key(connection, tenant_id=tenant, key="k", request_hash="other"),
            )
            second.wait_until_blocked(observer)
            raise RuntimeError
        assert second.result() is None


def test_two_claims_at_once_never_take_the_same_task(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        for _ in range(40):
            start(observer, tenant)
    seen: list[UUID] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(task.task_id for task in take(database.worker, quantity=10)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(set(seen))
    assert len(seen) + len(take(database.worker, quantity=100)) == 40
