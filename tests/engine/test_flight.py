"""What a worker asks of the database while it goes on thinking."""

from __future__ import annotations

from uuid import UUID, uuid4

from engine.db.connection import connect
from engine.model.errors import StepError
from engine.model.task import Loaded
from engine.orchestrator.entry import enter
from engine.queue.claims import Look, Want
from engine.worker.flight import Flight
from tests.support.databases import Database
from tests.support.runs import scalar, start, states, take


def test_a_flight_is_sent_without_waiting_and_its_writes_are_durable_before_it_is_received(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection, connect(database.worker) as other:
        run = start(other, tenant)
        (task,) = take(database.worker)
        session = enter(task, None, Loaded(), StepError("internal", "it is enough"))
        flight = Flight(connection, uuid4(), [session], None)
        with other.transaction():
            other.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [run])
            flight.start()  # it would wait for ever, as the row is held by whoever waits for it
            assert states(other, run) == {"": "running"}
        while states(other, run) != {"": "failed"}:
            pass  # the test's own time limit ends this
        flight.receive()
        assert flight.result().live == {run}


def test_what_a_look_takes_is_taken_before_it_is_received(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection, connect(database.worker) as other:
        run = start(other, tenant)
        flight = Flight(connection, uuid4(), [], Look(uuid4(), [Want(("default",), 5)]))
        flight.start()
        while scalar(other, "SELECT count(*) FROM highway.task WHERE state = 'running'") == 0:
            pass
        flight.receive()
        catch = flight.catch()
        assert catch is not None
        assert [[task.task_id for task in tasks] for tasks in catch.tasks] == [[run]]
