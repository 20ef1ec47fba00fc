"""Workers obey operators: pause, resume, drain, capacity; and the list of workers tells the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.insight import FleetWorker
from tests.support.databases import Database
from tests.support.runs import ONE_TASK, scalar
from tests.support.workers import Workers

RUNNING = "SELECT count(*) FROM highway.task WHERE state = 'running'"


def _waits_for(workers: Workers, file: str) -> dict[str, Any]:
    """One step that runs until the file is there."""
    command = f"while [ ! -e {workers.folder}/{file} ]; do sleep 0.02; done"
    task = {"task_id": "only", "operator_type": "task", "function": "tools.shell.run", "args": [command]}
    return {"name": "waits_for", "start_task": "only", "tasks": {"only": task}}


def _fleet(workers: Workers) -> list[FleetWorker]:
    with connect(workers.database.web) as connection:
        return facade.list_fleet(connection)


def _until(look: Callable[[], Any], fits: Callable[[Any], bool], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not fits(seen := look()):
        assert time.monotonic() < end, seen
        time.sleep(0.02)
    return seen


def _only(workers: Workers) -> FleetWorker:
    return _until(lambda: _fleet(workers), lambda fleet: len(fleet) == 1)[0]


def _order(workers: Workers, state: str, reason: str = "") -> FleetWorker:
    """Give the order and wait until a heartbeat has surely brought it."""
    with connect(workers.database.web) as connection:
        told = facade.order_worker(connection, worker_id=_only(workers).worker_id, state=state, reason=reason)
    _heard(workers)
    return told


def _heard(workers: Workers) -> None:
    """Two heartbeats from now: the second began after the order was committed."""
    for _ in range(2):
        seen = _only(workers).last_seen_at
        _until(lambda: _only(workers), lambda worker, seen=seen: worker.last_seen_at > seen)  # type: ignore[misc]


def test_a_paused_worker_takes_nothing_and_keeps_what_it_has_until_it_is_resumed(workers: Workers) -> None:
    workers.start()
    workers.wait_for_workers(1)
    held = workers.submit(_waits_for(workers, "go"))
    workers.wait(held, lambda run: run.status == "running")
    assert _order(workers, "paused", "repairs").status == "paused"
    late = workers.submit(ONE_TASK)
    (workers.folder / "go").touch()
    assert workers.finish(held).status == "completed"
    _heard(workers)
    assert workers.run(late).status == "pending"
    with connect(workers.database.web) as connection:
        reasons = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(late))
    assert [(reason.code, reason.text) for reason in reasons] == [
        ("no_worker", "every worker of the queue 'default' is paused or draining")
    ]
    assert _order(workers, "active").reason == ""
    assert workers.finish(late).status == "completed"


def test_a_draining_worker_finishes_what_it_holds_and_leaves_with_0(workers: Workers) -> None:
    process = workers.start()
    workers.wait_for_workers(1)
    held = workers.submit(_waits_for(workers, "go"))
    workers.wait(held, lambda run: run.status == "running")
    _order(workers, "draining")
    late = workers.submit(ONE_TASK)
    _heard(workers)
    assert process.poll() is None, "it left before its work was done"
    (workers.folder / "go").touch()
    assert process.wait(timeout=20) == 0
    assert _fleet(workers) == []
    assert [workers.run(run).status for run in (held, late)] == ["completed", "pending"]
    workers.start()
    assert workers.finish(late).status == "completed"


def test_a_draining_worker_can_be_called_back(workers: Workers) -> None:
    workers.start()
    workers.wait_for_workers(1)
    held = workers.submit(_waits_for(workers, "go"))
    workers.wait(held, lambda run: run.status == "running")
    assert _order(workers, "draining").status == "draining"
    assert _order(workers, "active").status in {"online", "draining"}  # its own word of it follows with the heartbeat
    late = workers.submit(ONE_TASK)
    assert workers.finish(late).status == "completed"
    assert _only(workers).status == "online"
    (workers.folder / "go").touch()
    workers.finish(held)


def test_a_worker_holds_no_more_than_its_capacity_and_gets_it_back(workers: Workers) -> None:
    workers.start()
    workers.wait_for_workers(1)
    worker = _only(workers)
    assert (worker.status, worker.slots, worker.capacity, worker.batch) == ("online", 8, 500, None)
    with connect(workers.database.web) as connection:
        facade.limit_worker(
            connection, worker_id=worker.worker_id, capacity=2, set_capacity=True, batch=1, set_batch=True
        )
    _heard(workers)
    runs = [workers.submit(_waits_for(workers, "go")) for _ in range(4)]
    with psycopg.connect(workers.database.worker, autocommit=True) as connection:
        _until(lambda: scalar(connection, RUNNING), lambda running: running == 2)
        _heard(workers)
        assert scalar(connection, RUNNING) == 2
        assert (_only(workers).capacity, _only(workers).batch) == (2, 1)
        with connect(workers.database.web) as web:
            facade.limit_worker(web, worker_id=worker.worker_id, set_capacity=True)
        _until(lambda: scalar(connection, RUNNING), lambda running: running == 4)
    assert (_only(workers).capacity, _only(workers).batch) == (500, 1)
    (workers.folder / "go").touch()
    for run in runs:
        assert workers.finish(run).status == "completed"


def test_orders_outlive_a_lost_connection(workers: Workers) -> None:
    workers.start()
    workers.wait_for_workers(1)
    before = _only(workers).worker_id
    _order(workers, "paused", "repairs")
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'highway worker %%' AND datname = current_database()"
        )
    after = _until(lambda: _fleet(workers), lambda fleet: any(one.worker_id != before for one in fleet))
    new = next(one for one in after if one.worker_id != before)
    assert (new.status, new.reason) == ("paused", "repairs")
    run = workers.submit(ONE_TASK)
    _until(lambda: _fleet(workers), lambda fleet: len(fleet) == 1)
    _heard(workers)
    assert workers.run(run).status == "pending"
    _order(workers, "active")
    assert workers.finish(run).status == "completed"


def test_a_drained_child_of_a_family_is_not_started_again(workers: Workers) -> None:
    family = workers.start(processes=2)
    workers.wait_for_workers(2)
    first, second = _fleet(workers)
    with connect(workers.database.web) as connection:
        facade.order_worker(connection, worker_id=first.worker_id, state="draining")
    _until(lambda: _fleet(workers), lambda fleet: [one.worker_id for one in fleet] == [second.worker_id])
    with connect(workers.database.web) as connection:
        facade.order_worker(connection, worker_id=second.worker_id, state="draining")
    assert family.wait(timeout=20) == 0


def test_only_a_worker_that_is_gone_can_be_taken_off_the_list_and_its_tasks_go_on(workers: Workers) -> None:
    process = workers.start()
    workers.wait_for_workers(1)
    run = workers.submit(_waits_for(workers, "go"))
    workers.wait(run, lambda seen: seen.status == "running")
    worker_id = _only(workers).worker_id
    with connect(workers.database.web) as connection, pytest.raises(facade.StateError, match="drain it"):
        facade.forget_worker(connection, worker_id=worker_id)
    workers.kill(process)
    _until(lambda: _only(workers), lambda worker: worker.status == "offline")
    with connect(workers.database.web) as connection:
        with pytest.raises(facade.StateError, match="offline"):
            facade.order_worker(connection, worker_id=worker_id, state="paused")
        facade.forget_worker(connection, worker_id=worker_id)
        with pytest.raises(facade.NotFoundError):
            facade.forget_worker(connection, worker_id=worker_id)
    (workers.folder / "go").touch()
    workers.start()
    assert workers.finish(run).status == "completed"


def test_silent_workers_are_swept_and_take_a_new_identity_when_they_come_back(workers: Workers) -> None:
    process = workers.start()
    workers.wait_for_workers(1)
    worker_id = _only(workers).worker_id
    with connect(workers.database.web) as connection:
        assert facade.forget_silent_workers(connection, silent_seconds=30) == []
        process.send_signal(19)  # SIGSTOP: its connection stays
        gone = _until(lambda: facade.forget_silent_workers(connection, silent_seconds=1.5), bool)
    assert gone == [worker_id]
    process.send_signal(18)
    _until(lambda: _fleet(workers), lambda fleet: bool(fleet) and fleet[0].worker_id != worker_id)
    assert workers.finish(workers.submit(ONE_TASK)).status == "completed"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM highway.worker",
        "UPDATE highway.worker SET lease_expires_at = now()",
        "INSERT INTO highway.worker (worker_id, name, lock_key, queues, slots, lease_expires_at)"
        " VALUES (gen_random_uuid(), 'w', 1, '{}', 1, now())",
    ],
)
def test_the_web_gives_orders_and_changes_nothing_else_of_a_worker(module_database: Database, statement: str) -> None:
    with connect(module_database.web) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)  # type: ignore[call-overload]


def test_an_unknown_worker_is_not_found(module_database: Database) -> None:
    unknown = UUID(int=1)
    with connect(module_database.web) as connection:
        for act in (
            lambda: facade.get_worker(connection, worker_id=unknown),
            lambda: facade.order_worker(connection, worker_id=unknown, state="paused"),
            lambda: facade.limit_worker(connection, worker_id=unknown),
        ):
            with pytest.raises(facade.NotFoundError):
                act()
