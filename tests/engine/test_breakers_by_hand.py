"""Breakers that a person opens and closes; and what a retention policy would delete, before it does."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError
from engine.model.task import ClaimedTask
from engine.model.upkeep import Retention, Sweep
from tests.support.databases import Database
from tests.support.guards import ONCE, RESOURCE, admit, breaker, ended, isolation_is_over
from tests.support.retention import ended_run
from tests.support.runs import scalar, start, take, write


def _claims(
    database: Database, connection: psycopg.Connection[Any], tenant: UUID, number: int = 1
) -> list[ClaimedTask]:
    for _ in range(number):
        start(connection, tenant, queue=str(tenant))
    return take(database.worker, quantity=number, queues=(str(tenant),))


def _open(database: Database, tenant: UUID, **changes: Any) -> None:
    how = {"resource_key": RESOURCE, "seconds": 60, "by": "ann", "reason": "it moves"} | changes
    with connect(database.web) as web:
        facade.open_breaker(web, tenant_id=tenant, **how)


def _close(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web:
        facade.close_breaker(web, tenant_id=tenant, resource_key=RESOURCE)


def test_nobody_calls_what_was_opened_by_hand_until_its_time_is_up_and_a_probe_succeeds(
    module_database: Database, tenant: UUID
) -> None:
    with connect(module_database.worker) as connection:
        one, other = _claims(module_database, connection, tenant, 2)
        _open(module_database, tenant)
        assert not admit(connection, one)["admitted"]
        write(module_database.worker, ended(other, "succeeded"))
        assert not admit(connection, one)["admitted"], "a late answer of a call from before closes nothing"
        isolation_is_over(connection, tenant)
        assert admit(connection, one)["admitted"]
        assert not admit(connection, other)["admitted"], "one call at a time"
        write(module_database.worker, ended(one, "succeeded"))
        row = breaker(connection, tenant)
        assert row is not None
        assert (row["state"], row["last_error"]["by"], row["last_error"]["message"]) == ("closed", "ann", "it moves")


def test_a_breaker_that_is_opened_under_a_probe_stays_open_whatever_the_probe_says(
    module_database: Database, tenant: UUID
) -> None:
    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant)
        write(module_database.worker, ended(one, "failed"))
        isolation_is_over(connection, tenant)
        assert admit(connection, one)["state"] == "half_open"
        _open(module_database, tenant)
        write(module_database.worker, ended(one, "succeeded"))
        row = breaker(connection, tenant)
        assert row is not None
        assert row["state"] == "open"


@pytest.mark.parametrize("is_probed", [False, True])
def test_what_was_closed_by_hand_lets_calls_through_and_counts_from_nothing(
    module_database: Database, tenant: UUID, is_probed: bool
) -> None:
    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant)
        write(module_database.worker, ended(one, "failed"))
        if is_probed:
            isolation_is_over(connection, tenant)
            admit(connection, one)
        _close(module_database, tenant)
        row = breaker(connection, tenant)
        assert row is not None
        assert (row["state"], row["consecutive_failures"]) == ("closed", 0)
        assert row["last_error"]["type"] == "ConnectionError"
        assert admit(connection, one)["admitted"]
        write(module_database.worker, ended(one, "failed", ONCE))
        assert not admit(connection, one)["admitted"]


def test_what_makes_no_sense_is_refused_and_a_foreign_breaker_is_none(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    for changes in ({"seconds": 0}, {"seconds": 8 * 24 * 3600}, {"resource_key": ""}, {"resource_key": "x" * 201}):
        with pytest.raises(InvalidError):
            _open(module_database, tenant, **changes)
    _open(module_database, tenant)
    with pytest.raises(NotFoundError):
        _close(module_database, other_tenant)
    with connect(module_database.worker) as connection:
        row = breaker(connection, tenant)
        assert row is not None
        assert row["state"] == "open"


def test_a_preview_counts_what_the_next_sweep_deletes_and_nothing_else(module_database: Database) -> None:
    tenant = uuid4()
    with connect(module_database.worker) as connection, connect(module_database.web) as web:
        for days, state in ((40, "completed"), (20, "completed"), (40, "failed"), (100, "cancelled")):
            ended_run(module_database, connection, tenant, days=days, state=state)

        def preview(completed: int | None, failed: int | None) -> Sweep:
            return facade.preview_retention(web, tenant_id=tenant, policy=Retention(completed, failed))

        kept = preview(30, 90)
        assert (kept.completed, kept.failed, kept.runs) == (1, 1, 2)
        assert kept.oldest == scalar(
            connection, "SELECT min(finished_at) FROM highway.workflow_run WHERE tenant_id = %s", tenant
        )
        assert (preview(10, 30).completed, preview(10, 30).failed) == (2, 2)
        assert preview(None, None) == Sweep(0, 0, None)
        with pytest.raises(InvalidError):
            preview(0, 1)
        assert scalar(connection, "SELECT highway.forget_old_runs(%s, 50)", tenant) == kept.runs
        assert preview(30, 90).runs == 0
