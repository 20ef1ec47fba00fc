"""Limits and run control together: who is paused, killed or moved neither keeps a slot from others nor loses its own."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.queue.writes import Suspended, TaskWrites
from tests.support.databases import Database
from tests.support.flow import asks, end, grant, held, in_line, slots
from tests.support.interleaving import problems
from tests.support.runs import start, take, write


def test_a_run_that_is_paused_in_line_is_passed_over_and_goes_on_from_its_old_place(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant, flow=slots(1)) for _ in range(4)]
        (first,) = take(database.worker)
        facade.pause(connection, tenant_id=tenant, workflow_run_id=runs[1])
        end(database, first)
        assert grant(database) == 1
        (task,) = take(database.worker)
        assert task.task_id == runs[2]
        facade.resume(connection, tenant_id=tenant, workflow_run_id=runs[1])
        assert take(database.worker) == []
        end(database, task)
        assert grant(database) == 1
        assert [task.task_id for task in take(database.worker)] == [runs[1]]
        assert in_line(connection) == runs[3:]
    assert problems(database.worker, grace_seconds=60) == []


def test_a_run_that_pauses_between_its_steps_keeps_its_own_slot_and_gives_back_a_step_s(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, flow=slots(1, "runs"))
        other = start(connection, tenant)
        tasks = {task.task_id: task for task in take(database.worker)}
        write(database.worker, asks(tasks[run], "work"))
        write(database.worker, asks(tasks[other], "work"))
        facade.pause(connection, tenant_id=tenant, workflow_run_id=run)
        write(database.worker, TaskWrites(tasks[run], exit=Suspended()))
        assert grant(database) == 1
        assert (held(connection, "runs"), held(connection)) == ([run], [other])
        facade.resume(connection, tenant_id=tenant, workflow_run_id=run)
        for task in take(
            database.worker
        ):  # its slot had come when it paused: it looks, and finds that it has to wait again
            write(database.worker, TaskWrites(task, exit=Suspended()))
        assert take(database.worker) == []
        end(database, tasks[other])
        assert grant(database) == 1
        assert [task.task_id for task in take(database.worker)] == [run]
    assert problems(database.worker, grace_seconds=60) == []


@pytest.mark.parametrize("whom", [0, 1])
def test_a_killed_run_leaves_its_slot_or_its_place_in_the_line(database: Database, tenant: UUID, whom: int) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant, flow=slots(1)) for _ in range(3)]
        (task,) = take(database.worker)
        facade.kill(connection, tenant_id=tenant, workflow_run_id=runs[whom])
        if whom:
            end(database, task)
        assert grant(database) == 1
        assert [task.task_id for task in take(database.worker)] == [runs[2] if whom else runs[1]]
    assert problems(database.worker, grace_seconds=60) == []
