"""Items that are added in the moment in which a loop ends: taken by the loop, or left in the inbox and said to be; never lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.model.commands import AwaitMessage, CancelTasks, Record
from engine.model.json import Json
from engine.model.task import ClaimedTask
from engine.orchestrator.waits import wait_write
from engine.queue.commit import commit
from engine.queue.loading import load_waits
from engine.queue.writes import Finished, RecordWrite, Suspended, TaskWrites
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, fork, scalar, start, states, take, write

Connection = psycopg.Connection[Any]


class Loop:
    """A claimed run whose loop listens, and two sessions."""

    def __init__(self, database: Database, tenant: UUID, first: Connection, observer: Connection) -> None:
        self.database = database
        self.tenant = tenant
        self.first = first
        self.observer = observer
        self.run = start(observer, tenant)
        (self.task,) = take(database.worker)
        write(database.worker, TaskWrites(self.task, waits=[listening()]))

    def add(self, connection: Connection, payload: Json) -> int:
        return facade.send_signal(
            connection, tenant_id=self.tenant, workflow_run_id=self.run, name="add_items", payload=payload
        )

    def second(self, do: Any) -> Second:
        """Somebody who is held up by the first session."""
        second = Second(self.database.worker, do)
        second.wait_until_blocked(self.observer)
        return second

    def heard(self) -> Any:
        """What the task is told of its wait."""
        over = load_waits(self.observer, [self.task])[self.run].over
        return over[0].payload if over else None

    def taken(self) -> list[Any]:
        """(payload, who took it) of each signal, in order."""
        rows = self.observer.execute("SELECT payload, taken_by FROM highway.signal ORDER BY seq").fetchall()
        return [tuple(row) if isinstance(row, tuple) else tuple(row.values()) for row in rows]


def listening() -> Any:
    return wait_write(AwaitMessage("f", "signal", "add_items"))


def closing(task: ClaimedTask) -> TaskWrites:
    """All items have ended: the loop closes, and the run has nothing else to do."""
    return TaskWrites(task, closing=["f"], exit=Suspended())


def taking(task: ClaimedTask, number: int = 1) -> TaskWrites:
    """The loop has heard of items, and listens for the next."""
    record = Record(f"f[]@{number}", "foreach", "succeeded", {"items": ["a"], "done": False})
    return TaskWrites(task, records=[RecordWrite(record, 0.0)], waits=[listening()])


@pytest.fixture
def loop(database: Database, tenant: UUID) -> Iterator[Loop]:
    with connect(database.worker) as first, connect(database.worker) as observer:
        yield Loop(database, tenant, first, observer)
    assert problems(database.worker, grace_seconds=60) == []


def test_add_then_close_the_loop_takes_the_items_and_is_not_closed(loop: Loop) -> None:
    with loop.first.transaction():
        loop.add(loop.first, ["a"])
        second = loop.second(lambda own: commit(own, [closing(loop.task)], WORKER))
    assert second.result().live == {loop.run}
    assert loop.heard()["payload"] == ["a"]
    assert loop.taken() == [(["a"], "f")]
    assert states(loop.observer, loop.run) == {"": "pending"}, "somebody goes on with them"


def test_close_then_add_the_items_stay_in_the_inbox_and_are_said_to(loop: Loop) -> None:
    with loop.first.transaction():
        commit(loop.first, [closing(loop.task)], WORKER)
        second = loop.second(lambda own: loop.add(own, ["a"]))
    assert second.result() > 0
    assert loop.heard() == {"closed": True}
    assert loop.taken() == [(["a"], None)]
    assert states(loop.observer, loop.run) == {"": "pending"}, "somebody ends the loop"


def test_the_end_of_the_run_then_add_the_items_are_refused(loop: Loop) -> None:
    with loop.first.transaction():
        commit(loop.first, [TaskWrites(loop.task, exit=Finished("completed"))], WORKER)
        second = loop.second(lambda own: loop.add(own, ["a"]))
    assert isinstance(second.result(), StateError)
    assert loop.taken() == []


def test_two_who_add_and_a_loop_that_closes_the_first_is_taken_and_the_second_in_its_turn(loop: Loop) -> None:
    with loop.first.transaction():
        loop.add(loop.first, ["a"])
        close = loop.second(lambda own: commit(own, [closing(loop.task)], WORKER))
        other = loop.second(lambda own: loop.add(own, ["b"]))
    close.result()
    other.result()
    assert loop.taken() == [(["a"], "f"), (["b"], None)]
    (task,) = take(loop.database.worker)
    write(loop.database.worker, taking(task))
    assert loop.taken() == [(["a"], "f"), (["b"], "f")]


def test_take_then_add_the_loop_listens_again_and_gets_it(loop: Loop) -> None:
    loop.add(loop.observer, ["a"])
    with loop.first.transaction():
        commit(loop.first, [taking(loop.task)], WORKER)
        second = loop.second(lambda own: loop.add(own, ["b"]))
    second.result()
    assert loop.heard()["payload"] == ["b"]


def test_add_then_take_what_came_meanwhile_is_handed_over_with_the_commit(loop: Loop) -> None:
    loop.add(loop.observer, ["a"])
    with loop.first.transaction():
        loop.add(loop.first, ["b"])
        second = loop.second(lambda own: commit(own, [taking(loop.task)], WORKER))
    second.result()
    assert loop.heard()["payload"] == ["b"]
    assert loop.taken() == [(["a"], "f"), (["b"], "f")]


def test_items_that_wait_are_taken_by_a_loop_that_listens_and_closes_in_one_commit(loop: Loop) -> None:
    loop.add(loop.observer, ["a"])
    loop.add(loop.observer, ["b"])
    both = taking(loop.task)
    both.closing.append("f")
    write(loop.database.worker, both)
    assert loop.heard()["payload"] == ["b"]


def test_a_late_worker_closes_nothing(loop: Loop) -> None:
    loop.observer.execute("UPDATE highway.task SET epoch = epoch + 1 WHERE task_id = %s", [loop.run])
    assert write(loop.database.worker, TaskWrites(loop.task, closing=["f"])).stale == {loop.run}
    assert loop.heard() is None
    loop.add(loop.observer, ["a"])
    assert loop.heard()["payload"] == ["a"]


def test_cancel_then_close_the_run_ends_as_cancelled(loop: Loop) -> None:
    with loop.first.transaction():
        assert facade.cancel(loop.first, tenant_id=loop.tenant, workflow_run_id=loop.run) == "running"
        second = loop.second(lambda own: commit(own, [closing(loop.task)], WORKER))
    assert second.result().cancel_requested == {loop.run}
    (task,) = take(loop.database.worker)
    assert task.cancel_requested


def test_pause_then_close_the_run_pauses_and_its_loop_ends_at_the_resume(loop: Loop) -> None:
    who: dict[str, Any] = {"tenant_id": loop.tenant, "workflow_run_id": loop.run}
    with loop.first.transaction():
        facade.pause(loop.first, **who)
        second = loop.second(lambda own: commit(own, [closing(loop.task)], WORKER))
    second.result()
    assert states(loop.observer, loop.run) == {"": "paused"}
    loop.add(loop.observer, ["a"])
    assert loop.taken() == [(["a"], None)]
    assert facade.resume(loop.observer, **who) == "pending"
    assert loop.heard() == {"closed": True}


def test_close_then_pause_what_is_to_be_heard_is_heard_at_the_resume(loop: Loop) -> None:
    who: dict[str, Any] = {"tenant_id": loop.tenant, "workflow_run_id": loop.run}
    with loop.first.transaction():
        commit(loop.first, [closing(loop.task)], WORKER)
        second = loop.second(lambda own: facade.pause(own, **who))
    assert second.result() == "paused"
    assert facade.resume(loop.observer, **who) == "pending"
    assert loop.heard() == {"closed": True}


def test_two_loops_of_one_name_the_one_that_opened_first_takes_the_items(loop: Loop) -> None:
    write(loop.database.worker, TaskWrites(loop.task, waits=[wait_write(AwaitMessage("g", "signal", "add_items"))]))
    loop.add(loop.observer, ["a"])
    assert loop.taken() == [(["a"], "f")]
    loop.add(loop.observer, ["b"])
    assert loop.taken() == [(["a"], "f"), (["b"], "g")]
    assert scalar(loop.observer, "SELECT count(*) FROM highway.wait WHERE given IS NULL") == 0


def test_add_then_cancel_and_restart_items_that_nobody_has_heard_of_are_still_there(loop: Loop) -> None:
    who: dict[str, Any] = {"tenant_id": loop.tenant, "workflow_run_id": loop.run}
    write(loop.database.worker, TaskWrites(loop.task, exit=Suspended()))
    with loop.first.transaction():
        loop.add(loop.first, ["a"])
        second = loop.second(lambda own: facade.cancel(own, **who))
    assert second.result() == "cancelled"
    assert loop.taken() == [(["a"], None)]
    assert facade.restart(loop.observer, **who) == "pending"
    (again,) = take(loop.database.worker)
    write(loop.database.worker, TaskWrites(again, waits=[listening()]))
    assert loop.heard()["payload"] == ["a"]


def test_a_branch_that_is_cancelled_with_a_signal_in_its_hand_passes_it_on_to_who_else_waits(loop: Loop) -> None:
    write(loop.database.worker, fork(loop.task, "p.a", "p.b"), TaskWrites(loop.task, ended_waits=["f"]))
    a, b = sorted(take(loop.database.worker), key=lambda task: task.key)
    write(loop.database.worker, TaskWrites(a, waits=[listening()], exit=Suspended()))
    write(loop.database.worker, TaskWrites(b, waits=[listening()], exit=Suspended()))
    loop.add(loop.observer, ["a"])
    assert loop.taken() == [(["a"], "p.a/f")]
    write(loop.database.worker, TaskWrites(loop.task, cancels=[CancelTasks("stop", ["p.a"])]))
    assert loop.taken() == [(["a"], "p.b/f")]
    assert states(loop.observer, loop.run) == {"": "running", "p.a": "cancelled", "p.b": "pending"}


def test_a_step_that_has_taken_a_signal_keeps_it_when_its_run_ends_with_it(loop: Loop) -> None:
    loop.add(loop.observer, ["a"])
    record = Record("f", "foreach", "succeeded", {"count": 0})
    last = TaskWrites(loop.task, records=[RecordWrite(record, 0.0, waited=True)], ended_waits=["f"])
    last.exit = Finished("completed")
    write(loop.database.worker, last)
    assert loop.taken() == [(["a"], "f")]
