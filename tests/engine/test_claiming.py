"""When a worker looks for work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.orchestrator.session import Session
from engine.queue.claims import Look
from engine.queue.writes import Finished, TaskWrites, WaitWrite
from engine.worker.claiming import MOMENT_SECONDS, Claiming
from engine.worker.config import WorkerConfig
from engine.worker.holding import hear_waits
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from tests.support.databases import Database
from tests.support.flow import end
from tests.support.runs import fork, fork_and_wait, start, take, write

Connect = Callable[..., psycopg.Connection[Any]]


def _claiming(connection: psycopg.Connection[Any]) -> Claiming:
    config = WorkerConfig("", "looks", {}, make_sandbox=lambda: None)  # type: ignore[arg-type, return-value]
    return Claiming(config, connection, uuid4(), Programs(), Orders())


def _made(connection: psycopg.Connection[Any], claiming: Claiming, look: Look) -> list[Session]:
    with connection.pipeline():
        look.send(connection)
    look.receive(connection)
    return claiming.enter(claiming.take_up(look.catch()))


@pytest.mark.parametrize("cap", ["of its tenant", "of a queue"])
def test_the_end_of_a_run_is_looked_behind_for_what_a_cap_has_kept_back(
    database: Database, connect: Connect, tenant: UUID, cap: str
) -> None:
    """1 a look takes what the cap allows, 2 the next finds nothing and waits for a hint, 3 a run ends, of which no hint tells: look in a moment."""
    with connect("superuser", autocommit=True) as owner:
        if cap == "of its tenant":
            owner.execute("INSERT INTO highway.tenant_policy (tenant_id, max_running) VALUES (%s, 1)", [tenant])
        else:
            owner.execute(
                "INSERT INTO highway.queue_policy (tenant_id, queue, max_running) VALUES (%s, 'default', 1)", [tenant]
            )
    with connect("web", autocommit=True) as web:
        for _ in range(3):
            start(web, tenant)
    with connect("worker", autocommit=True) as connection:
        claiming = _claiming(connection)
        taken: list[Session] = []
        while look := claiming.look([], 0, 16):
            taken += _made(connection, claiming, look)
        assert len(taken) == 1
        assert claiming.seconds_to_next > MOMENT_SECONDS
        claiming.gone(TaskWrites(taken[0].task, exit=Finished("completed")))
        assert claiming.seconds_to_next <= MOMENT_SECONDS


@pytest.mark.parametrize("others", [1, 4], ids=["told with the claim", "read in rows"])
def test_what_is_too_much_for_one_value_ends_its_own_task_and_no_other(
    database: Database, connect: Connect, tenant: UUID, others: int
) -> None:
    with connect("superuser", autocommit=True) as owner, connect("worker", autocommit=True) as connection:
        run = start(connection, tenant)
        (parent,) = take(database.worker)
        write(database.worker, fork_and_wait(parent, "a", "b"))
        end(database, *take(database.worker))
        large = "UPDATE highway.task SET result = to_jsonb(repeat('x', 135000000)) WHERE kind = 'branch'"
        owner.execute(large)  # two of these are more than a jsonb holds
        for _ in range(others):
            start(connection, tenant)
        claiming = _claiming(connection)
        look = claiming.look([], 0, 4)
        assert look
        sessions = _made(connection, claiming, look)
        for session in sessions:
            session.advance()
    assert len(sessions) == 1 + others
    assert {session.task.task_id: session.writes.exit.state for session in sessions if session.writes.exit} == {
        run: "failed"
    }


def test_a_held_task_that_cannot_be_told_what_it_waited_for_ends_and_others_are_told(
    database: Database, connect: Connect, tenant: UUID
) -> None:
    with connect("superuser", autocommit=True) as owner, connect("worker", autocommit=True) as connection:
        start(connection, tenant)
        (parent,) = take(database.worker)
        write(database.worker, fork(parent, "a", "b", waits=[WaitWrite("join", "tasks", awaited=["a", "b"])]))
        end(database, *take(database.worker))
        owner.execute("UPDATE highway.task SET result = to_jsonb(repeat('x', 135000000)) WHERE kind = 'branch'")
        start(connection, tenant)
        (other,) = take(database.worker)
        write(database.worker, TaskWrites(other, waits=[WaitWrite("nap", "timer", seconds=0)]))
        sessions = {task.task_id: Session(task, None, TaskWrites(task), {}) for task in (parent, other)}
        sessions[parent.task_id].waits, sessions[other.task_id].waits = {"join"}, {"nap"}
        assert hear_waits(connection, sessions) == {parent.task_id, other.task_id}
    exits = [session.writes.exit for session in sessions.values()]
    assert [each and each.state for each in exits] == ["failed", None]
