"""Small rules of tasks that everything else stands on, each alone: so that the test that fails says which one is broken."""

from __future__ import annotations

from uuid import UUID, uuid4

from engine import facade
from engine.db.connection import Connection, connect
from engine.db.queries import load
from engine.model.task import Loaded
from engine.orchestrator.entry import MAX_RESCUES, enter
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import fork, scalar, start, step, take, write

_sql = load("worker")


def test_a_task_that_kills_whoever_takes_it_is_poison_in_the_end(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        for _ in range(MAX_RESCUES + 1):
            _die(database, connection, run)
            _wait_no_longer(connection)
        (task,) = take(database.worker)
        assert task.rescues == MAX_RESCUES + 1
        end = enter(task, None, Loaded()).writes.exit
        assert isinstance(end, Finished)
        assert (end.state, end.error and end.error["kind"]) == ("failed", "poison")


def test_what_killed_ten_workers_in_a_row_is_given_time(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        pauses = []
        for _ in range(19):
            _die(database, connection, run)
            pauses.append(_pause(connection))
            if pauses[-1] > 0:
                connection.execute("UPDATE highway.task SET available_at = available_at + interval '1 hour'")
                assert take(database.worker) == []
                words = scalar(connection, "SELECT words FROM highway.why_waiting(%s, %s)", tenant, run)
                assert words == f"its worker died {len(pauses)} times in a row; it is tried again after a pause"
            _wait_no_longer(connection)
        assert [round(pause) for pause in pauses] == [0] * 10 + [1, 2, 4, 8, 16, 32, 60, 60, 60]
        (task,) = take(database.worker)
        write(database.worker, step(task, "only"))
        _wait_no_longer(connection)
        assert scalar(connection, "SELECT rescues FROM highway.task") == 0, "progress begins the count anew"


def test_a_task_that_was_asked_to_stop_is_given_no_pause(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        for _ in range(12):
            _die(database, connection, run)
            _wait_no_longer(connection)
        take(database.worker, worker_id=uuid4())
        facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
        _sql.rescue.many(connection, quantity=10)
        assert [task.task_id for task in take(database.worker)] == [run]


def _die(database: Database, connection: Connection, run: UUID) -> None:
    """Somebody who does not exist takes the task, and it is rescued."""
    assert len(take(database.worker, worker_id=uuid4())) == 1
    assert [row["task_id"] for row in _sql.rescue.many(connection, quantity=10)] == [run]


def _pause(connection: Connection) -> float:
    """How long the task rests since it was rescued last."""
    rescued = "SELECT max(at) FROM highway.journal WHERE kind = 'rescued'"
    return float(scalar(connection, f"SELECT extract(epoch FROM available_at - ({rescued})) FROM highway.task"))


def _wait_no_longer(connection: Connection) -> None:
    """The pause of a task is over."""
    connection.execute(
        "UPDATE highway.task SET state = 'pending', available_at = highway.now() WHERE state = 'sleeping'"
    )


def test_a_cancelled_task_waits_for_nothing(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, TaskWrites(task, waits=[WaitWrite("hear", "event", event_name="go")], exit=Suspended()))
        assert facade.cancel(connection, tenant_id=tenant, workflow_run_id=run) == "cancelled"
        assert scalar(connection, "SELECT count(*) FROM highway.wait") == 0
    assert problems(database.worker) == []


def test_what_becomes_of_a_branch_does_not_change_the_status_of_its_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (root,) = take(database.worker)
        write(database.worker, fork(root, "left"))
        status = "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s"
        seen = [scalar(connection, status, run)]
        (left,) = take(database.worker)
        seen.append(scalar(connection, status, run))
        write(database.worker, TaskWrites(left, exit=Finished("failed", error={"message": "it broke"})))
        seen.append(scalar(connection, status, run))
        assert seen == ["running", "running", "running"]
        assert (
            scalar(connection, "SELECT finished_at FROM highway.workflow_run WHERE workflow_run_id = %s", run) is None
        )
        write(database.worker, TaskWrites(root, exit=Finished("completed")))
    assert problems(database.worker) == []
