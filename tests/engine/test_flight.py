"""What a worker asks of the database while it goes on thinking."""

from __future__ import annotations

from uuid import UUID, uuid4

from engine.db.connection import Connection, connect
from engine.model.errors import StepError
from engine.model.task import Loaded
from engine.orchestrator.entry import enter
from engine.queue.claims import LOOK_AGAIN_SECONDS, Look, Want
from engine.worker.flight import Flight
from tests.support.databases import Database
from tests.support.flow import end, held, in_line, slots
from tests.support.interleaving import problems
from tests.support.runs import WORKER, scalar, start, states, take


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
        assert [task.task_id for task in catch.tasks] == [run]


def test_an_urgent_look_waits_for_nothing_that_flies_with_it(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection, connect(database.worker) as other:
        flight = _ending_and_looking(database, connection, tenant)
        with other.transaction():
            other.execute("SELECT FROM highway.task WHERE state = 'running' FOR UPDATE")
            flight.start()
            while scalar(other, "SELECT count(*) FROM highway.task WHERE state = 'running'") < 2:
                pass  # what flies with it waits for the row meanwhile
        flight.receive()
        assert flight.result().live == flight.task_ids
        assert _caught(flight) == _running(other)


def test_an_urgent_look_keeps_what_it_took_when_the_writes_behind_it_cannot_be_made_together(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker, lock_seconds=0.2) as connection, connect(database.worker) as other:
        flight = _ending_and_looking(database, connection, tenant)
        with other.transaction():
            other.execute("SELECT FROM highway.task WHERE state = 'running' FOR UPDATE")
            flight.start()
            flight.receive()
            assert flight.result().busy == flight.task_ids
        caught = _caught(flight)
        assert len(caught) == 1
        assert {*caught, *flight.task_ids} == set(_running(other))


def test_a_look_that_cannot_give_slots_now_keeps_what_it_has_claimed_and_the_next_one_gives_them(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection, connect(database.worker) as other:
        start(other, tenant, flow=slots(1))
        waiting = start(other, tenant, flow=slots(1))
        end(database, *take(database.worker))
        free = start(other, tenant)
        with other.transaction():
            other.execute("SELECT FROM highway.slot WHERE task_id = %s FOR UPDATE", [waiting])
            caught = _look(connection)
        assert (caught, in_line(other)) == (([free], LOOK_AGAIN_SECONDS), [waiting])
        assert _look(connection) == ([], 0.0)
        assert held(other) == [waiting]
        assert _look(connection)[0] == [waiting]
    assert problems(database.worker, grace_seconds=60) == []


def _ending_and_looking(database: Database, connection: Connection, tenant: UUID) -> Flight:
    """The end of a run that is held, and an urgent look for another that is due."""
    start(connection, tenant)
    (task,) = take(database.worker)
    start(connection, tenant)
    session = enter(task, None, Loaded(), StepError("internal", "it is enough"))
    return Flight(connection, WORKER, [session], Look(WORKER, [Want(("default",), 5)], is_urgent=True))


def _running(connection: Connection) -> list[UUID]:
    rows = connection.execute("SELECT task_id FROM highway.task WHERE state = 'running'").fetchall()
    return [task_id for (task_id,) in rows]


def _caught(flight: Flight) -> list[UUID]:
    catch = flight.catch()
    assert catch is not None
    return [task.task_id for task in catch.tasks]


def _look(connection: Connection) -> tuple[list[UUID], float | None]:
    """What a worker catches, and in how many seconds it looks again."""
    flight = Flight(connection, uuid4(), [], Look(WORKER, [Want(("default",), 5)]))
    flight.start()
    flight.receive()
    catch = flight.catch()
    assert catch is not None
    return [task.task_id for task in catch.tasks], catch.next_in_seconds
