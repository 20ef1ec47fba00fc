"""Policies and rates: claims and submissions that meet pauses, caps and each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BacklogFullError, StateError
from engine.model.flow import TenantPolicy
from engine.queue.claims import claim
from tests.support.databases import Database
from tests.support.flow import rate, wake
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, take

Connection = psycopg.Connection[Any]


@pytest.fixture
def first(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection


@pytest.fixture
def observer(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection
    assert problems(database.worker, grace_seconds=60) == []


def _claim(connection: Connection, quantity: int = 10) -> list[UUID]:
    tasks = claim(connection, worker_id=WORKER, queues=("default",), quantity=quantity)
    return [task.task_id for task in tasks]


def _queue(connection: Connection, tenant: UUID, **change: Any) -> None:
    change_ = facade.QueueChange(**change)
    facade.change_queue(connection, tenant_id=tenant, name="default", change=change_, by="ann")


def _tenant(connection: Connection, tenant: UUID, *, paused: bool = False, **policy: Any) -> None:
    facade.set_tenant_policy(connection, tenant_id=tenant, policy=TenantPolicy(**policy), paused=paused)


def _submission(database: Database, tenant: UUID) -> Second:
    return Second(database.worker, lambda own: start(own, tenant))


@pytest.mark.parametrize("whose", ["queue", "tenant"])
def test_pause_then_claim_a_pause_holds_from_its_commit_on_and_blocks_nobody(
    database: Database, tenant: UUID, first: Connection, observer: Connection, whose: str
) -> None:
    runs = [start(observer, tenant) for _ in range(2)]
    with first.transaction():
        _queue(first, tenant, paused=True) if whose == "queue" else _tenant(first, tenant, paused=True)
        assert _claim(observer, 1) == runs[:1]
    assert _claim(observer) == []


@pytest.mark.parametrize("whose", ["queue", "tenant"])
def test_claim_then_pause_what_is_claimed_goes_on(
    database: Database, tenant: UUID, first: Connection, observer: Connection, whose: str
) -> None:
    runs = [start(observer, tenant) for _ in range(2)]
    with first.transaction():
        assert _claim(first, 1) == runs[:1]
        _queue(observer, tenant, paused=True) if whose == "queue" else _tenant(observer, tenant, paused=True)
    assert take(database.worker) == []
    assert scalar(observer, "SELECT state FROM highway.task WHERE task_id = %s", runs[0]) == "running"


@pytest.mark.parametrize("whose", ["queue", "tenant"])
def test_two_claims_under_a_cap_the_second_passes_by_and_takes_the_rest_next_time(
    database: Database, tenant: UUID, first: Connection, observer: Connection, whose: str
) -> None:
    for _ in range(6):
        start(observer, tenant)
    _queue(observer, tenant, max_running=3) if whose == "queue" else _tenant(observer, tenant, max_running=3)
    with first.transaction():
        assert len(_claim(first, 2)) == 2
        assert _claim(observer) == []
    assert len(_claim(observer)) == 1
    assert _claim(observer) == []


def test_a_cap_that_is_being_made_smaller_is_not_claimed_past(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    for _ in range(6):
        start(observer, tenant)
    _tenant(observer, tenant, max_running=5)
    with first.transaction():
        _tenant(first, tenant, max_running=2)
        assert _claim(observer) == []
    assert len(_claim(observer)) == 2


def test_a_claim_under_a_cap_does_not_keep_others_from_being_claimed(
    database: Database, tenant: UUID, other_tenant: UUID, first: Connection, observer: Connection
) -> None:
    start(observer, tenant)
    _tenant(observer, tenant, max_running=1)
    with first.transaction():
        assert len(_claim(first)) == 1
        other = start(observer, other_tenant)
        assert _claim(observer) == [other]


def test_claims_of_capped_tenants_in_two_queues_do_not_wait_in_a_circle(
    database: Database, first: Connection, observer: Connection
) -> None:
    tenants = sorted(uuid4() for _ in range(2))
    for tenant in tenants:
        _tenant(observer, tenant, max_running=1)
        for queue in ("default", "other"):
            start(observer, tenant, queue=queue)

    def both(own: Connection, *queues: str) -> list[Any]:
        return claim(own, worker_id=WORKER, queues=queues, quantity=10)

    with first.transaction():
        assert len(both(first, "default", "other")) == 2
        assert both(observer, "other", "default") == []
    assert both(observer, "other", "default") == []


@pytest.mark.parametrize("rolls_back", [False, True])
@pytest.mark.parametrize("cap", ["max_backlog", "runs_per_minute"])
def test_two_submissions_want_the_last_place_under_a_cap_the_second_waits_for_the_first(
    database: Database, tenant: UUID, first: Connection, observer: Connection, *, cap: str, rolls_back: bool
) -> None:
    start(observer, tenant)
    _tenant(observer, tenant, **{cap: 2})
    with first.transaction(force_rollback=rolls_back):
        start(first, tenant)
        second = _submission(database, tenant)
        second.wait_until_blocked(observer, first)
    outcome = second.result()
    assert isinstance(outcome, UUID if rolls_back else BacklogFullError)


def test_a_submission_under_a_cap_does_not_keep_its_tenant_from_being_claimed(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant)
    _tenant(observer, tenant, max_backlog=9, max_running=9)
    with first.transaction():
        start(first, tenant)
        assert _claim(observer) == [run]


def test_claim_then_submit_a_place_in_the_backlog_is_free_when_the_claim_is_committed(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    start(observer, tenant)
    _tenant(observer, tenant, max_backlog=1)
    with first.transaction():
        assert len(_claim(first)) == 1
        with pytest.raises(BacklogFullError):
            start(observer, tenant)
    start(observer, tenant)


def test_drain_then_submit_a_drain_holds_from_its_commit_on(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    with first.transaction():
        _queue(first, tenant, draining=True)
        start(observer, tenant)
    with pytest.raises(StateError):
        start(observer, tenant)


def test_two_claims_want_the_last_start_of_a_rate_the_second_passes_by_and_gets_a_place_in_time(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = [start(observer, tenant, flow=rate(1, 60)) for _ in range(2)]
    with first.transaction():
        assert _claim(first, 1) == runs[:1]
        assert _claim(observer) == []
    assert _claim(observer) == []
    assert scalar(observer, "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s", runs[1]) == "sleeping"


def test_a_claim_that_is_lost_spends_no_start(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    run = start(observer, tenant, flow=rate(1, 60))
    with first.transaction(force_rollback=True):
        assert _claim(first) == [run]
    assert _claim(observer) == [run]


def test_at_the_edge_of_the_window_one_start_comes_free_and_two_claims_take_one(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = [start(observer, tenant, flow=rate(2, 60)) for _ in range(2)]
    assert _claim(observer) == runs
    late = [start(observer, tenant, flow=rate(2, 60)) for _ in range(3)]
    for connection in (first, observer):
        connection.execute("SET highway.now_offset = '59 seconds'")
    assert _claim(observer) == []
    wake(database, "61 seconds")
    first.execute("SET highway.now_offset = '61 seconds'")
    with first.transaction():
        assert _claim(first) == late[:1]
        observer.execute("SET highway.now_offset = '61 seconds'")
        start(observer, tenant, flow=rate(2, 60))
        assert _claim(observer) == []
    assert _claim(observer) == [], "the second start of the window is the place of one that waits already"
    assert len(scalar(observer, "SELECT starts FROM highway.flow_limit")) == 2
