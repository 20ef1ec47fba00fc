"""A scheduled run that continues as new is still the schedule's: its overlap policy sees the whole chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.task import ClaimedTask
from engine.queue.commit import commit
from engine.queue.writes import Finished, TaskWrites
from engine.services.cron import fire_due_ticks
from tests.support.databases import Database
from tests.support.flow import end
from tests.support.interleaving import Second, problems
from tests.support.runs import ONE_TASK, WORKER, start, states, take, write
from tests.support.schedules import end_runs, make, move, outcomes, tick

Connection = psycopg.Connection[Any]
MINUTE = timedelta(seconds=60)


@pytest.fixture
def worker(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection
    assert problems(database.worker, grace_seconds=60) == []


def _goes_on(held: ClaimedTask) -> TaskWrites:
    """It ends, and continues as a new run."""
    return TaskWrites(held, exit=Finished("completed", continue_with={}))


def _next(connection: Connection, tenant: UUID, run: UUID) -> UUID:
    following = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).continued_to
    assert following is not None
    return following


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("allow", ["fired", "fired"]),
        ("skip", ["fired", "skipped"]),
        ("buffer_one", ["fired", "waiting"]),
        ("cancel_other", ["fired", "fired"]),
    ],
)
def test_a_tick_meets_what_the_run_before_has_continued_as(
    database: Database, tenant: UUID, worker: Connection, overlap: str, expected: list[str]
) -> None:
    schedule = make(worker, tenant, overlap=overlap)
    assert tick(database.worker, MINUTE * 1.2) == 1
    (first,) = take(database.worker)
    write(database.worker, _goes_on(first))
    (second,) = take(database.worker)
    write(database.worker, _goes_on(second))
    tick(database.worker, MINUTE * 2.2)
    assert outcomes(worker, tenant, schedule) == expected
    assert states(worker, _next(worker, tenant, second.task_id)) == {
        "": "cancelled" if overlap == "cancel_other" else "pending"
    }


def test_a_waiting_tick_goes_when_the_last_run_of_the_chain_has_ended(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    schedule = make(worker, tenant, overlap="buffer_one")
    tick(database.worker, MINUTE * 1.2)
    tick(database.worker, MINUTE * 2.2)
    (first,) = take(database.worker)
    write(database.worker, _goes_on(first))
    assert fire_due_ticks(worker, WORKER) == 0
    assert outcomes(worker, tenant, schedule) == ["fired", "waiting"]
    end(database, *take(database.worker))
    assert fire_due_ticks(worker, WORKER) == 1
    assert outcomes(worker, tenant, schedule) == ["fired", "fired"]


def test_a_run_that_continues_while_it_is_replaced_is_replaced_in_its_next_one(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    schedule = make(worker, tenant, overlap="cancel_other")
    tick(database.worker, MINUTE * 1.2)
    (held,) = take(database.worker)

    def ticks(own: Connection) -> int:
        move(own, MINUTE * 2.2)
        return fire_due_ticks(own, WORKER)

    with connect(database.worker) as first:
        with first.transaction():
            commit(first, [_goes_on(held)], WORKER)
            second = Second(database.worker, ticks)
            second.wait_until_blocked(worker, by=first)
        assert second.result() == 1
    assert states(worker, _next(worker, tenant, held.task_id)) == {"": "cancelled"}
    assert outcomes(worker, tenant, schedule) == ["fired", "fired"]


def test_who_names_a_schedule_in_its_attributes_does_not_get_in_by_continuing(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    schedule = make(worker, tenant, overlap="skip")
    start(worker, tenant, ONE_TASK, attributes={"schedule_id": str(schedule.schedule_id)})
    (held,) = take(database.worker)
    write(database.worker, _goes_on(held))
    assert tick(database.worker, MINUTE * 1.2) == 1
    assert end_runs(worker, tenant) == 2
