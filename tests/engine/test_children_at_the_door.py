"""Children under a backlog cap or behind a drain: they wait at the door, in order, and come in when there is room. None is lost, none is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BacklogFullError, StateError
from engine.model.commands import StartChild
from engine.model.flow import TenantPolicy
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.commit import commit
from engine.queue.loading import load_waits
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from engine.services.admission import admit_children
from tests.engine.definitions import op, task, workflow
from tests.support.databases import Database
from tests.support.flow import end
from tests.support.interleaving import Second, problems
from tests.support.runs import ONE_TASK, WORKER, scalar, start, states, take, write
from tests.support.workers import Workers

Connection = psycopg.Connection[Any]
LIMITED: JsonObject = {
    **ONE_TASK,
    "name": "limited",
    "limits": [{"kind": "concurrency", "key": "seat", "limit": 1}],
}


@pytest.fixture
def worker(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection
    assert problems(database.worker, grace_seconds=60) == []


def _cap(connection: Connection, tenant: UUID, most: int | None) -> None:
    facade.set_tenant_policy(connection, tenant_id=tenant, policy=TenantPolicy(max_backlog=most), paused=False)


def _drain(connection: Connection, tenant: UUID, *, draining: bool) -> None:
    change = facade.QueueChange(draining=draining)
    facade.change_queue(connection, tenant_id=tenant, name="default", change=change, by="ann")


def _parent(connection: Connection, database: Database, tenant: UUID) -> ClaimedTask:
    """A run that is being executed."""
    run = start(connection, tenant)
    return next(held for held in take(database.worker) if held.task_id == run)


def _asks(held: ClaimedTask, *keys: str, name: str = "one_task") -> TaskWrites:
    """It starts children and sleeps until they have ended."""
    children = [StartChild("kids", key, {}, workflow_name=name) for key in keys]
    wait = WaitWrite("kids", "tasks", awaited=list(keys))
    return TaskWrites(held, children=children, waits=[wait], exit=Suspended())


def _children(connection: Connection, parent: UUID) -> dict[str, tuple[UUID, str]]:
    rows = connection.execute(
        "SELECT parent_key, workflow_run_id, status FROM highway.workflow_run WHERE parent_run_id = %s", [parent]
    )
    return {key: (run, status) for key, run, status in rows}


def _why(connection: Connection, tenant: UUID, run: UUID) -> list[tuple[str, str]]:
    view = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run)
    return [(why.code, why.text) for why in facade.why_waiting(connection, tenant_id=tenant, run=view)]


def test_a_child_beyond_the_cap_waits_at_the_door_says_why_and_comes_in_when_there_is_room(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    before = start(worker, tenant)
    _cap(worker, tenant, 1)
    write(database.worker, _asks(parent, "kid"))
    child, status = _children(worker, parent.task_id)["kid"]
    assert status == "sleeping"
    assert _why(worker, tenant, child) == [
        ("admission", "not let in yet: 1 runs of the tenant are waiting to start, and 1 is the limit")
    ]
    assert admit_children(worker, WORKER) == 0
    (held,) = take(database.worker)
    assert held.task_id == before
    with pytest.raises(BacklogFullError):
        start(worker, tenant)  # who comes from outside does not overtake it
    assert [code for code, _ in _why(worker, tenant, child)] == ["admission"]
    assert admit_children(worker, WORKER) == 1
    (held_child,) = take(database.worker)
    assert held_child.task_id == child
    end(database, held_child)
    assert states(worker, parent.task_id) == {"": "pending"}, "the parent was told"
    end(database, held, *take(database.worker))


def test_a_draining_queue_keeps_children_out_until_it_takes_runs_again(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    _drain(worker, tenant, draining=True)
    write(database.worker, _asks(parent, "a", "b"))
    assert [status for _, status in _children(worker, parent.task_id).values()] == ["sleeping"] * 2
    child = _children(worker, parent.task_id)["a"][0]
    assert _why(worker, tenant, child) == [
        ("admission", "not let in yet: the queue 'default' is draining: it takes no new runs")
    ]
    assert admit_children(worker, WORKER) == 0
    _drain(worker, tenant, draining=False)
    assert admit_children(worker, WORKER) == 2
    end(database, *take(database.worker))
    end(database, *take(database.worker))


def test_children_come_in_in_the_order_in_which_they_were_started_as_many_as_there_is_room_for(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    _cap(worker, tenant, 2)
    write(database.worker, _asks(parent, "a", "b", "c", "d", "e"))
    children = _children(worker, parent.task_id)
    assert {key: status for key, (_, status) in children.items()} == {
        "a": "pending",
        "b": "pending",
        "c": "sleeping",
        "d": "sleeping",
        "e": "sleeping",
    }
    for expected in (["a", "b"], ["c", "d"], ["e"]):
        held = take(database.worker)
        assert sorted(child.task_id for child in held) == sorted(children[key][0] for key in expected)
        admit_children(worker, WORKER)
        end(database, *held)
    end(database, *take(database.worker))


def test_the_limits_of_a_child_are_looked_at_when_it_is_inside(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    facade.register(worker, tenant_id=tenant, definition=LIMITED)
    parent = _parent(worker, database, tenant)
    _drain(worker, tenant, draining=True)
    write(database.worker, _asks(parent, "a", "b", name="limited"))
    _drain(worker, tenant, draining=False)
    assert admit_children(worker, WORKER) == 2
    (first,) = take(database.worker)
    assert scalar(worker, "SELECT count(*) FROM highway.slot WHERE granted_at IS NULL") == 1
    for run in (first.task_id, parent.task_id):
        facade.kill(worker, tenant_id=tenant, workflow_run_id=run)


@pytest.mark.parametrize("change", [facade.cancel, facade.kill])
def test_a_child_at_the_door_can_be_stopped_and_its_parent_goes_on(
    database: Database, tenant: UUID, worker: Connection, change: Any
) -> None:
    parent = _parent(worker, database, tenant)
    _drain(worker, tenant, draining=True)
    write(database.worker, _asks(parent, "kid"))
    child = _children(worker, parent.task_id)["kid"][0]
    change(worker, tenant_id=tenant, workflow_run_id=child)
    assert _children(worker, parent.task_id)["kid"][1] == "cancelled"
    assert scalar(worker, "SELECT count(*) FROM highway.wait WHERE kind = 'room'") == 0
    (again,) = take(database.worker)
    (over,) = load_waits(worker, [again])[again.task_id].over
    assert over.payload["kid"]["status"] == "cancelled"  # type: ignore[index,call-overload]
    end(database, again)


def test_a_paused_child_stays_at_the_door_and_bars_nobody(database: Database, tenant: UUID, worker: Connection) -> None:
    parent = _parent(worker, database, tenant)
    start(worker, tenant)
    _cap(worker, tenant, 1)
    write(database.worker, _asks(parent, "kid"))
    child = _children(worker, parent.task_id)["kid"][0]
    facade.pause(worker, tenant_id=tenant, workflow_run_id=child)
    assert [code for code, _ in _why(worker, tenant, child)] == ["paused", "admission"]
    first = take(database.worker)
    assert admit_children(worker, WORKER) == 0
    start(worker, tenant)
    second = take(database.worker)
    facade.resume(worker, tenant_id=tenant, workflow_run_id=child)
    assert _children(worker, parent.task_id)["kid"][1] == "sleeping"
    with pytest.raises(StateError, match="when it is let in"):
        facade.change_start(worker, tenant_id=tenant, workflow_run_id=child, delay_seconds=0)
    assert admit_children(worker, WORKER) == 1
    end(database, *first, *second, *take(database.worker))
    end(database, *take(database.worker))


def test_who_joins_a_chain_under_a_drain_is_no_newcomer(database: Database, tenant: UUID, worker: Connection) -> None:
    parent = _parent(worker, database, tenant)
    write(database.worker, _asks(parent, "kid"))
    (child,) = take(database.worker)
    _drain(worker, tenant, draining=True)
    write(database.worker, TaskWrites(child, exit=Finished("completed", continue_with={})))
    (following,) = take(database.worker)
    assert _children(worker, parent.task_id)["kid"][0] == following.task_id
    end(database, following)
    end(database, *take(database.worker))


def test_a_commit_that_starts_a_child_while_a_submission_is_decided_waits_for_nobody(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    """The submission has the tenant's turn and may want a task that the commit holds: the child stands at the door for a moment."""
    parent = _parent(worker, database, tenant)
    _cap(worker, tenant, 9)
    with connect(database.worker) as first:
        with first.transaction():
            other = start(first, tenant)
            assert write(database.worker, _asks(parent, "kid")).live == {parent.task_id}
            assert _children(worker, parent.task_id)["kid"][1] == "sleeping"
            assert admit_children(worker, WORKER) == 0, "nor does the service wait"
        assert admit_children(worker, WORKER) == 1
    tasks = take(database.worker)
    assert {held.task_id for held in tasks} == {other, _children(worker, parent.task_id)["kid"][0]}
    end(database, *tasks)
    end(database, *take(database.worker))


def test_a_submission_waits_for_the_child_that_takes_the_last_place_and_is_refused_then(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    _cap(worker, tenant, 1)
    with connect(database.worker) as first:
        with first.transaction():
            commit(first, [_asks(parent, "kid")], WORKER)
            second = Second(database.worker, lambda own: start(own, tenant))
            second.wait_until_blocked(worker, by=first)
        assert isinstance(second.result(), BacklogFullError)
    end(database, *take(database.worker))
    end(database, *take(database.worker))


def test_a_child_that_is_cancelled_while_it_is_let_in_stays_cancelled(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    _drain(worker, tenant, draining=True)
    write(database.worker, _asks(parent, "kid"))
    child = _children(worker, parent.task_id)["kid"][0]
    _drain(worker, tenant, draining=False)
    with connect(database.worker) as first, first.transaction():
        facade.cancel(first, tenant_id=tenant, workflow_run_id=child)
        assert admit_children(worker, WORKER) == 0, "it passes by who is held"
    assert admit_children(worker, WORKER) == 0
    assert _children(worker, parent.task_id)["kid"][1] == "cancelled"
    end(database, *take(database.worker))


def test_the_doctor_sees_a_child_that_nobody_lets_in(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as worker:
        parent = _parent(worker, database, tenant)
        _drain(worker, tenant, draining=True)
        write(database.worker, _asks(parent, "kid"))
        _drain(worker, tenant, draining=False)
        assert problems(database.worker) == []
        worker.execute("UPDATE highway.wait SET created_at = created_at - interval '1 minute' WHERE kind = 'room'")
        worker.execute("UPDATE highway.queue_policy SET changed_at = changed_at - interval '1 minute'")
        (problem,) = problems(database.worker)
        assert "stands at the door of default, which is open" in problem
        assert admit_children(worker, WORKER) == 1
        assert problems(database.worker) == []


def test_real_workers_finish_a_family_that_is_larger_than_the_cap(workers: Workers) -> None:
    kid = workflow(op("wait", "nap", wait_for=0.05)) | {"name": "kid"}
    kids = {f"k{number}": {"workflow_name": "kid"} for number in range(6)}
    with connect(workers.database.web) as connection:
        facade.register(connection, tenant_id=workers.tenant, definition=kid)
    with connect(workers.database.worker) as connection:
        _cap(connection, workers.tenant, 2)
    process = workers.start()
    end_step = task("end", "kids", function="tools.log.info", args=["x"])
    run = workers.submit(workflow(op("child_workflow", "kids", children=kids), end_step))
    workers.wait(run, lambda seen: seen.status == "sleeping" and seen.started_at is not None)
    workers.kill(process)
    workers.start()
    assert workers.finish(run, seconds=60).status == "completed"
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT count(*) FROM highway.workflow_run WHERE status = 'completed'") == 7
    assert problems(workers.database.worker, grace_seconds=60) == []


def test_a_batch_is_counted_beside_the_children_at_the_door(
    database: Database, tenant: UUID, worker: Connection
) -> None:
    parent = _parent(worker, database, tenant)
    _cap(worker, tenant, 3)
    _drain(worker, tenant, draining=True)
    write(database.worker, _asks(parent, "a", "b"))
    _drain(worker, tenant, draining=False)
    definition = facade.register(worker, tenant_id=tenant, definition=ONE_TASK).definition_id
    with pytest.raises(BacklogFullError, match="2 runs are waiting to start, and 3 is the limit"):
        facade.submit_many(worker, tenant_id=tenant, definition_id=definition, inputs=[{}, {}])
    assert len(facade.submit_many(worker, tenant_id=tenant, definition_id=definition, inputs=[{}])) == 1
    assert admit_children(worker, WORKER) == 2
    end(database, *take(database.worker))
    end(database, *take(database.worker))
