"""Runs that may not start yet, or never, keep nobody else's from starting."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import connect
from engine.db.errors import InvalidError
from engine.model.errors import StepError
from engine.model.flow import FlowLimit, FlowOptions
from engine.model.json import JsonObject
from engine.model.task import Loaded
from engine.orchestrator.entry import enter
from engine.queue.claims import Catch, Look, Turn, Want
from engine.worker.flight import Flight
from tests.support.databases import Database
from tests.support.flow import slots
from tests.support.runs import ONE_TASK, WORKER, start, states, take

LIMITS: list[JsonObject] = [
    {"kind": "concurrency"},
    {"kind": "rate", "per_seconds": 60},
    {"kind": "throttle", "per_seconds": 60},
]


def limited(limit: JsonObject) -> JsonObject:
    """A definition of the author's, as it is stored."""
    return ONE_TASK | {"name": "limited", "limits": [limit]}


def break_gate(connection: psycopg.Connection[Any], run: UUID) -> None:
    """What no submission can make: a gate that no limit can be made of."""
    connection.execute(
        """UPDATE highway.task SET gate = '[{"kind": "concurrency", "key": "k", "limit": null}]' WHERE task_id = %s""",
        [run],
    )


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit["kind"])
def test_a_limit_without_a_figure_is_one(database: Database, tenant: UUID, limit: JsonObject) -> None:
    with connect(database.web) as web:
        runs = [start(web, tenant, limited(limit)) for _ in range(2)]
    assert [task.workflow_run_id for task in take(database.worker)] == runs[:1]


def test_as_many_as_nobody_has_is_a_limit_too(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web:
        run = start(web, tenant, ONE_TASK | {"name": "wide", "max_active_runs": 10**12})
    assert [task.workflow_run_id for task in take(database.worker)] == [run]


def test_a_key_that_comes_out_empty_is_refused_at_the_door(database: Database, tenant: UUID) -> None:
    definition = limited({"kind": "concurrency", "key": "{{inputs.customer}}"})
    with connect(database.web) as web, pytest.raises(InvalidError, match=r"inputs\.customer"):
        start(web, tenant, definition, inputs={"customer": ""})


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"key": ""}, {"kind": "rate", "per_seconds": 0.0}, {"kind": "rate"}], ids=str
)
def test_a_limit_that_cannot_be_kept_is_refused_at_the_door(
    database: Database, tenant: UUID, wrong: dict[str, Any]
) -> None:
    limit = FlowLimit(**({"kind": "concurrency", "key": "k"} | wrong))
    with connect(database.web) as web, pytest.raises(InvalidError):
        start(web, tenant, flow=FlowOptions(limits=(limit,)))


def test_a_gate_that_cannot_be_passed_stops_nobody_else(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web, connect(database.superuser) as owner:
        broken, fresh = start(web, tenant, flow=slots(1)), start(web, tenant, flow=slots(1, key="another"))
        plain, others = start(web, tenant), start(web, uuid4())
        break_gate(owner, broken)
        assert {task.workflow_run_id for task in take(database.worker)} == {fresh, plain, others}
        assert states(owner, broken) == {"": "pending"}


def test_the_error_of_a_look_is_told_and_is_not_the_session_s(
    database: Database, tenant: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(database.worker) as connection, connect(database.worker) as other:
        run = start(other, tenant)
        (task,) = take(database.worker)
        session = enter(task, None, Loaded(), StepError("internal", "it is enough"))
        impossible = Want(("default",), "many")  # type: ignore[arg-type]
        flight = Flight(connection, WORKER, [session], Look(WORKER, [impossible], is_urgent=True))
        with caplog.at_level(logging.WARNING):
            flight.start()
            flight.receive()
        assert flight.result().live == {run}
        assert flight.catch() is None
        assert states(other, run) == {"": "failed"}
    assert "many" in caplog.text


def look(database: Database, want: Want) -> Catch:
    """One look of a worker."""
    with connect(database.worker) as connection:
        flight = Flight(connection, WORKER, [], Look(WORKER, [want]))
        flight.start()
        flight.receive()
        catch = flight.catch()
    assert catch is not None
    return catch


def test_who_is_put_into_a_line_does_not_use_up_a_look(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web:
        for _ in range(12):
            start(web, tenant, flow=slots(1))
        free = start(web, tenant)
    want, taken = Want(("default",), 4), []
    for _ in range(4):
        catch = look(database, want)
        taken += [task.workflow_run_id for task in catch.tasks]
        if not catch.caught[0].leaves_some:
            break
        want = Want(want.queues, want.quantity, catch.caught[0].next_turn)
    assert free in taken


def test_lines_of_some_tenants_do_not_keep_others_from_their_turn(database: Database) -> None:
    tenants = sorted(uuid4() for _ in range(6))
    with connect(database.web) as web:
        for tenant in tenants[:5] * 20:
            start(web, tenant, flow=slots(1))
        assert len(take(database.worker, quantity=5)) == 5, "each has its slot, and the others stand in line for it"
        last = start(web, tenants[5])
    looked, want = 0, Want(("default",), 2)
    taken: list[UUID] = []
    while last not in taken:
        (caught,) = look(database, want).caught
        assert caught.leaves_some or last in [task.workflow_run_id for task in caught.tasks]
        taken += [task.workflow_run_id for task in caught.tasks]
        want = Want(want.queues, want.quantity, caught.next_turn)
        looked += 1
    assert looked <= 4, "two tenants a look"


def test_after_the_last_of_a_line_there_is_no_more_to_look_for(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web:
        for _ in range(2):
            start(web, tenant, flow=slots(1))
    assert len(look(database, Want(("default",), 1)).tasks) == 1
    catch = look(database, Want(("default",), 5))
    assert (catch.tasks, catch.caught[0].leaves_some) == ([], True), "one was put into the line"
    catch = look(database, Want(("default",), 5))
    assert (catch.tasks, catch.caught[0].leaves_some, catch.caught[0].next_turn) == ([], False, Turn())


def test_a_gate_that_somebody_holds_is_not_looked_at_again_and_again(database: Database, tenant: UUID) -> None:
    with connect(database.web) as web, connect(database.worker) as holder:
        start(web, tenant, flow=slots(2))
        assert len(look(database, Want(("default",), 1)).tasks) == 1
        start(web, tenant, flow=slots(2))
        with holder.transaction():
            holder.execute("SELECT FROM highway.flow_limit FOR UPDATE")
            catch = look(database, Want(("default",), 5))
        assert (catch.tasks, catch.caught[0].leaves_some) == ([], False)
