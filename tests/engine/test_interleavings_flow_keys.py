"""Keys: pairs of submissions, and submissions that meet claims, ends and cancellations of the run that stands under their key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.flow import Batch, Debounce, FlowOptions, Singleton
from engine.queue.claims import claim, wake_due
from engine.queue.commit import commit
from engine.queue.writes import Finished, TaskWrites
from tests.support.databases import Database
from tests.support.flow import wake
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, take

Connection = psycopg.Connection[Any]
SINGLE = FlowOptions(singleton=Singleton("s"))
CALM = FlowOptions(debounce=Debounce("d", 60))
TWO = FlowOptions(batch=Batch("b", 2, 60))


@pytest.fixture
def first(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection


@pytest.fixture
def observer(database: Database, tenant: UUID) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        facade.cancel(
            connection, tenant_id=tenant, workflow_run_id=start(connection, tenant)
        )  # the definition is there
        yield connection
    assert problems(database.worker, grace_seconds=60) == []


def _submit(database: Database, tenant: UUID, flow: FlowOptions, **inputs: Any) -> Second:
    return Second(database.worker, lambda own: start(own, tenant, flow=flow, inputs=inputs))


def _inputs(connection: Connection, run: UUID) -> Any:
    return scalar(connection, "SELECT inputs FROM highway.workflow_run WHERE workflow_run_id = %s", run)


def _claim_later(connection: Connection) -> list[UUID]:
    """A claim when the minute is over, in the caller's transaction."""
    connection.execute("SET highway.now_offset = '61 seconds'")
    wake_due(connection, quantity=10)
    return [task.task_id for task in claim(connection, worker_id=WORKER, queues=("default",), quantity=10)]


@pytest.mark.parametrize("flow", [SINGLE, CALM, TWO])
def test_two_submissions_of_a_new_key_the_second_waits_and_joins(
    database: Database, tenant: UUID, first: Connection, observer: Connection, flow: FlowOptions
) -> None:
    with first.transaction():
        run = start(first, tenant, flow=flow)
        second = _submit(database, tenant, flow)
        second.wait_until_blocked(observer, first)
    assert second.result() == run


@pytest.mark.parametrize("flow", [SINGLE, CALM, TWO])
def test_when_the_first_submission_of_a_key_rolls_back_the_second_makes_the_run(
    database: Database, tenant: UUID, first: Connection, observer: Connection, flow: FlowOptions
) -> None:
    with first.transaction(force_rollback=True):
        run = start(first, tenant, flow=flow)
        second = _submit(database, tenant, flow)
        second.wait_until_blocked(observer, first)
    assert second.result() != run
    assert scalar(observer, "SELECT count(*) FROM highway.run_key") == 1


@pytest.mark.parametrize("rolls_back", [False, True])
def test_complete_then_submit_a_singleton_waits_to_know_whether_its_run_has_ended(
    database: Database, tenant: UUID, first: Connection, observer: Connection, *, rolls_back: bool
) -> None:
    run = start(observer, tenant, flow=SINGLE)
    (task,) = take(database.worker)
    with first.transaction(force_rollback=rolls_back):
        commit(first, [TaskWrites(task, exit=Finished("completed"))], WORKER)
        second = _submit(database, tenant, SINGLE)
        second.wait_until_blocked(observer, first)
    assert (second.result() == run) is rolls_back


def test_submit_then_complete_a_singleton_s_answer_is_the_run_that_was_open(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=SINGLE)
    (task,) = take(database.worker)
    with first.transaction():
        assert start(first, tenant, flow=SINGLE) == run
        commit(observer, [TaskWrites(task, exit=Finished("completed"))], WORKER)
    assert start(observer, tenant, flow=SINGLE) != run


@pytest.mark.parametrize("flow", [CALM, TWO])
def test_claim_then_submit_a_run_that_has_begun_takes_nothing_more_in(
    database: Database, tenant: UUID, first: Connection, observer: Connection, flow: FlowOptions
) -> None:
    run = start(observer, tenant, flow=flow, inputs={"n": 1})
    with first.transaction():
        assert _claim_later(first) == [run]
        second = _submit(database, tenant, flow, n=2)
        second.wait_until_blocked(observer, first)
    other = second.result()
    assert other != run
    assert "1" in str(_inputs(observer, run))
    assert "2" not in str(_inputs(observer, run))
    assert "2" in str(_inputs(observer, other))


def test_debounce_then_claim_the_claim_passes_by_and_the_start_is_put_off(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=CALM, inputs={"n": 1})
    wake(database, "61 seconds")  # it is due, and nobody has claimed it yet
    with first.transaction():
        assert start(first, tenant, flow=CALM, inputs={"n": 2}) == run
        assert take(database.worker) == []
    assert take(database.worker) == []
    assert _claim_later(observer) == [run]
    assert _inputs(observer, run) == {"n": 2}


def test_debounce_then_wake_the_waker_passes_by(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    start(observer, tenant, flow=CALM)
    with first.transaction():
        first.execute("SET LOCAL highway.now_offset = '30 seconds'")
        start(first, tenant, flow=CALM)
        assert wake(database, "61 seconds") == 0
    assert wake(database, "61 seconds") == 0, "it was put off"
    assert wake(database, "91 seconds") == 1


def test_two_debounced_submissions_at_once_the_later_one_counts(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=CALM, inputs={"n": 1})
    with first.transaction():
        start(first, tenant, flow=CALM, inputs={"n": 2})
        second = _submit(database, tenant, CALM, n=3)
        second.wait_until_blocked(observer, first)
    assert second.result() == run
    assert _inputs(observer, run) == {"n": 3}


@pytest.mark.parametrize("flow", [CALM, TWO])
def test_cancel_then_submit_a_cancelled_run_takes_nothing_in(
    database: Database, tenant: UUID, first: Connection, observer: Connection, flow: FlowOptions
) -> None:
    run = start(observer, tenant, flow=flow)
    with first.transaction():
        facade.cancel(first, tenant_id=tenant, workflow_run_id=run)
        second = _submit(database, tenant, flow)
        second.wait_until_blocked(observer, first)
    assert second.result() != run


@pytest.mark.parametrize("flow", [CALM, TWO])
def test_submit_then_cancel_the_cancel_waits_and_takes_all_along(
    database: Database, tenant: UUID, first: Connection, observer: Connection, flow: FlowOptions
) -> None:
    run = start(observer, tenant, flow=flow)
    with first.transaction():
        start(first, tenant, flow=flow)
        second = Second(database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=run))
        second.wait_until_blocked(observer, first)
    assert second.result() == "cancelled"
    assert scalar(observer, "SELECT count(*) FROM highway.run_key") == 0


def test_the_last_place_of_a_batch_is_given_once_the_next_item_begins_another(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=TWO, inputs={"n": 1})
    with first.transaction():
        assert start(first, tenant, flow=TWO, inputs={"n": 2}) == run
        second = _submit(database, tenant, TWO, n=3)
        second.wait_until_blocked(observer, first)
        assert take(database.worker) == [], "it is full, but that is not committed"
    other = second.result()
    assert [task.task_id for task in take(database.worker)] == [run]
    assert _inputs(observer, run) == {"items": [{"n": 1}, {"n": 2}]}
    assert _inputs(observer, other) == {"items": [{"n": 3}]}


def test_an_item_that_rolls_back_is_not_in_the_batch(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=TWO, inputs={"n": 1})
    with first.transaction(force_rollback=True):
        start(first, tenant, flow=TWO, inputs={"n": 2})
        second = _submit(database, tenant, TWO, n=3)
        second.wait_until_blocked(observer, first)
    assert second.result() == run
    assert _inputs(observer, run) == {"items": [{"n": 1}, {"n": 3}]}
