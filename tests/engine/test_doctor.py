"""The doctor sees each way in which a task can be stuck, and says nothing of healthy ones."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.queue.writes import HandedBack, Suspended, TaskWrites, WaitWrite
from engine.services.doctor import examine, look_for_stuck_tasks, repair
from engine.services.health import measure
from tests.support.databases import Database
from tests.support.guards import ask_for
from tests.support.interleaving import problems
from tests.support.runs import fork, fork_and_wait, scalar, start, states, take, write

_SLEEP = "UPDATE highway.task SET state = 'sleeping', claimed_by = NULL, available_at = %s WHERE task_id = %s"
# What is done to a run's claimed task, and the doctor's words for it.
DISEASES = {
    "it sleeps and waits for nothing": [_SLEEP.replace("%s", "NULL", 1)],
    "its time has come and it was not woken": [_SLEEP.replace("%s", "now() - interval '9 s'", 1)],
    "what it waits for has happened": [
        "INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, event_name)"
        " SELECT tenant_id, task_id, 'w', task_id, 'event', 'go' FROM highway.task WHERE task_id = %s",
        "INSERT INTO highway.event (tenant_id, workflow_run_id, name)"
        " SELECT tenant_id, task_id, 'go' FROM highway.task WHERE task_id = %s",
        _SLEEP.replace("%s", "NULL", 1),
    ],
    "it sleeps longer than its first timer": [
        "INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, due_at)"
        " SELECT tenant_id, task_id, 'w', task_id, 'timer', now() + interval '1 h' FROM highway.task WHERE task_id = %s",
        _SLEEP.replace("%s", "now() + interval '2 h'", 1),
    ],
    "it waits for more tasks than are open": [
        "INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, awaited, needed)"
        " SELECT tenant_id, task_id, 'w', task_id, 'tasks', '{gone}', 1 FROM highway.task WHERE task_id = %s",
        _SLEEP.replace("%s", "NULL", 1),
    ],
    "its worker is gone and it was not rescued": ["SELECT %s"],
}


@pytest.mark.parametrize("disease", DISEASES)
def test_a_stuck_task_is_found_and_its_disease_named(database: Database, tenant: UUID, disease: str) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        take(database.worker)
        for statement in DISEASES[disease]:
            connection.execute(statement, [run])  # type: ignore[arg-type]
        state = "running" if "worker" in disease else "sleeping"
        assert problems(database.worker, grace_seconds=5 if state == "sleeping" else 0) == [
            f"task '' of {run} is {state}: {disease}"
        ]


def test_what_waits_in_order_is_not_called_stuck(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        start(connection, tenant, delay_seconds=60)
        timer, event, joining, back = (start(connection, tenant, queue="mine") for _ in range(4))
        tasks = {task.task_id: task for task in take(database.worker, queues=("mine",))}
        write(
            database.worker,
            TaskWrites(tasks[timer], waits=[WaitWrite("t", "timer", seconds=60)], exit=Suspended()),
            TaskWrites(tasks[event], waits=[WaitWrite("e", "event", event_name="go")], exit=Suspended()),
            TaskWrites(tasks[back], exit=HandedBack(5)),
            fork_and_wait(tasks[joining], "f.a"),
        )
    assert problems(database.worker) == []


def test_one_worker_looks_for_all_and_the_health_page_turns_red(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        connection.execute(
            "INSERT INTO highway.worker (worker_id, name, lock_key, queues, slots, lease_expires_at) VALUES (%s, 'w', 1, '{}', 1, now() + '1 day')",
            [uuid4()],
        )
        measure(connection, uuid4())
        assert facade.health(connection).healthy
        run = start(connection, tenant)
        connection.execute("UPDATE highway.task SET state = 'sleeping', available_at = NULL WHERE task_id = %s", [run])
        assert look_for_stuck_tasks(connection, uuid4()) == 1
        assert look_for_stuck_tasks(connection, uuid4()) == 0, "it is not its turn"
        assert facade.health(connection).healthy, "it was put right"
        assert scalar(connection, "SELECT value FROM highway.health WHERE measure = 'repaired'") == 1


def test_what_cannot_be_put_right_turns_the_health_page_red(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        connection.execute(
            "INSERT INTO highway.worker (worker_id, name, lock_key, queues, slots, lease_expires_at) VALUES (%s, 'w', 1, '{}', 1, now() + '1 day')",
            [uuid4()],
        )
        measure(connection, uuid4())
        start(connection, tenant)
        write(database.worker, ask_for(take(database.worker)[0]))
        connection.execute("DELETE FROM highway.named_lock")
        connection.execute("UPDATE highway.task SET state = 'sleeping', available_at = NULL")
        assert look_for_stuck_tasks(connection, uuid4()) == 1
        assert "1 open tasks are stuck" in facade.health(connection).problem


@pytest.mark.parametrize("disease", [name for name in DISEASES if "worker" not in name])
def test_a_repair_leaves_nothing_of_the_disease(database: Database, tenant: UUID, disease: str) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        take(database.worker)
        for statement in DISEASES[disease]:
            connection.execute(statement, [run])  # type: ignore[arg-type]
        assert [finding.workflow_run_id for finding in examine(connection, grace_seconds=5)] == [run]
        assert repair(connection, grace_seconds=5) == 1
        assert examine(connection, grace_seconds=5) == []
        assert states(connection, run) == {"": "pending"}


def test_a_repair_derives_a_status_anew_and_drops_what_nobody_holds(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection, connect(database.superuser) as superuser:
        run, other = start(connection, tenant), start(connection, tenant)
        tasks = {task.task_id: task for task in take(database.worker)}
        write(database.worker, ask_for(tasks[run]))
        write(database.worker, fork(tasks[other], "f.a"))
        superuser.execute("SET session_replication_role = replica")  # no triggers: as if a bug had been here
        superuser.execute(
            "UPDATE highway.task SET state = 'failed', finished_at = now(), claimed_by = NULL WHERE kind = 'workflow'"
        )
        assert len(examine(connection, grace_seconds=0)) == 4, "two statuses, a wait, a ticket"
        for _ in range(2):  # that the branch is left over is seen when the status is right
            repair(connection, grace_seconds=0)
        assert examine(connection, grace_seconds=0) == []
        assert {row[0] for row in connection.execute("SELECT status FROM highway.workflow_run")} == {"failed"}
