"""Slots: pairs of operations that meet. No slot is given twice, none is forgotten, nobody is overtaken, nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.task import ClaimedTask
from engine.queue.claims import claim
from engine.queue.commit import commit
from engine.queue.granting import grant_slots
from engine.queue.writes import Finished, Suspended, TaskWrites
from tests.support.databases import Database
from tests.support.flow import asks, end, grant, held, in_line, one_slot, slots
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, states, step, take, write

Connection = psycopg.Connection[Any]
DONE = Finished("completed")


@pytest.fixture
def first(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection


@pytest.fixture
def observer(database: Database) -> Iterator[Connection]:
    with connect(database.worker) as connection:
        yield connection
    assert problems(database.worker, grace_seconds=60) == []


def _claim(connection: Connection, quantity: int = 1) -> list[UUID]:
    tasks = claim(connection, worker_id=WORKER, queues=("default",), quantity=quantity)
    return [task.task_id for task in tasks]


def _runs(connection: Connection, tenant: UUID, number: int, limit: int = 1) -> list[UUID]:
    return [start(connection, tenant, flow=slots(limit)) for _ in range(number)]


def _steps(database: Database, observer: Connection, tenant: UUID, number: int, limit: int = 1) -> list[ClaimedTask]:
    """Claimed runs of which the first ``limit`` have a step that holds a slot, and the others one that stands in line."""
    for _ in range(number):
        start(observer, tenant)
    tasks = take(database.worker, quantity=number)
    for task in tasks:
        write(database.worker, asks(task, "work", one_slot(limit=limit)))
    return tasks


def test_two_claims_want_the_last_slot_the_second_does_not_wait_for_long_and_finds_the_line_next_time(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 2)
    other = start(observer, tenant)
    with first.transaction():
        assert _claim(first) == runs[:1]
        assert _claim(observer, 10) == [other], "a limit that somebody holds keeps nobody else from being claimed"
        assert states(observer, runs[1])[""] == "pending"
    assert _claim(observer) == []
    assert (held(observer), in_line(observer)) == (runs[:1], runs[1:])


def test_a_claim_that_rolls_back_leaves_its_slot(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 2)
    with first.transaction(force_rollback=True):
        assert _claim(first) == runs[:1]
        assert _claim(observer) == []
    assert _claim(observer, 10) == runs[:1]
    assert in_line(observer) == runs[1:]


def test_a_held_limit_keeps_runs_under_another_limit_from_nothing(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    for key in ("k", "other"):
        start(observer, tenant, flow=slots(9, key))
    take(database.worker)  # both limits exist
    stuck, free = (start(observer, tenant, flow=slots(9, key)) for key in ("k", "other"))
    with first.transaction():
        first.execute("SELECT FROM highway.flow_limit WHERE key = 'k' FOR UPDATE")
        assert _claim(observer, 10) == [free]
    assert _claim(observer, 10) == [stuck]


def test_release_then_acquire_a_slot_is_free_only_when_its_holder_s_end_is_committed(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 2)
    (task,) = take(database.worker, quantity=1)
    with first.transaction():
        commit(first, [TaskWrites(task, exit=DONE)], WORKER)
        assert take(database.worker) == []
        assert grant(database) == 0
    assert grant(database) == 1
    assert _claim(observer) == runs[1:]


def test_acquire_then_release_whoever_registers_meanwhile_is_found_by_the_grant(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    """1 the waiter counts the slot as held, 2 the holder ends and leaves its mark, 3 the grant cannot look yet, and the mark stays."""
    runs = _runs(observer, tenant, 2)
    (task,) = take(database.worker, quantity=1)
    with first.transaction():
        assert _claim(first) == []
        end(database, task)
        assert grant(database) == 0
    assert grant(database) == 1
    assert _claim(observer) == runs[1:]


def test_a_release_never_waits_for_a_limit(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    _runs(observer, tenant, 2)
    (task,) = take(database.worker, quantity=1)
    with first.transaction():
        first.execute("SELECT FROM highway.flow_limit FOR UPDATE")
        end(database, task)
        assert scalar(observer, "SELECT count(*) FROM highway.slot_mark") == 1
    assert take(database.worker, quantity=1) != []


def test_a_submission_never_waits_for_a_limit(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 1)
    with first.transaction():
        assert _claim(first) == runs
        late = start(observer, tenant, flow=slots(1))
    assert _claim(observer) == []
    assert in_line(observer) == [late]


def test_two_holders_end_at_once_and_both_slots_are_given(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 4, limit=2)
    one, two = take(database.worker, quantity=2)
    assert _claim(observer, 10) == []
    with first.transaction():
        commit(first, [TaskWrites(one, exit=DONE)], WORKER)
        end(database, two)
        assert grant(database) == 1
    assert grant(database) == 1
    assert _claim(observer, 10) == runs[2:]


def test_two_grants_at_once_give_a_slot_once(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 3)
    tasks = take(database.worker)
    end(database, *tasks)
    with first.transaction():
        assert grant_slots(first) == 1
        assert grant(database) == 0, "it passes by the mark that somebody has taken"
    assert grant(database) == 0
    assert _claim(observer, 10) == runs[1:2]


def test_a_grant_that_rolls_back_leaves_its_mark(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 2)
    end(database, *take(database.worker))
    with first.transaction(force_rollback=True):
        assert grant_slots(first) == 1
    assert in_line(observer) == runs[1:]
    assert grant(database) == 1


def test_grant_then_cancel_the_slot_of_a_waiter_that_is_cancelled_goes_to_the_next(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 3)
    end(database, *take(database.worker))
    with first.transaction():
        assert grant_slots(first) == 1
        second = Second(database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=runs[1]))
        second.wait_until_blocked(observer, first)
    assert second.result() == "cancelled"
    assert grant(database) == 1
    assert _claim(observer, 10) == runs[2:]


def test_cancel_then_grant_the_grant_neither_waits_nor_forgets(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 3)
    end(database, *take(database.worker))
    with first.transaction():
        facade.cancel(first, tenant_id=tenant, workflow_run_id=runs[1])
        assert grant(database) == 0, "it may not pass over the head of the line before that is decided"
    assert grant(database) == 1
    assert _claim(observer, 10) == runs[2:]


def test_rescue_then_acquire_the_rescued_holder_keeps_its_slot(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    holder, waiter = _steps(database, observer, tenant, 2)
    with first.transaction():
        first.execute(_RESCUE, [holder.task_id])
        assert grant(database) == 0
    assert (held(observer), in_line(observer)) == ([holder.task_id], [waiter.task_id])


_RESCUE = "UPDATE highway.task SET state = 'pending', available_at = highway.now(), claimed_by = NULL, epoch = epoch + 1 WHERE task_id = %s"


def test_rescue_then_checkpoint_a_dead_worker_s_release_changes_nothing(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    (holder,) = _steps(database, observer, tenant, 1)
    with first.transaction():
        first.execute(_RESCUE, [holder.task_id])
        late = step(holder, "work", ended_waits=["work"], freed=["work"])
        second = Second(database.worker, lambda own: commit(own, [late], WORKER))
        second.wait_until_blocked(observer, first)
    assert second.result().stale == {holder.task_id}
    assert held(observer) == [holder.task_id]


def test_rescue_then_ask_a_dead_worker_gets_no_slot(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    start(observer, tenant)
    (task,) = take(database.worker)
    with first.transaction():
        first.execute(_RESCUE, [task.task_id])
        second = Second(database.worker, lambda own: commit(own, [asks(task, "work")], WORKER))
        second.wait_until_blocked(observer, first)
    result = second.result()
    assert (result.stale, result.granted) == ({task.task_id}, set())
    assert scalar(observer, "SELECT count(*) FROM highway.slot") == 0


def test_a_larger_limit_then_a_claim_the_claim_finds_the_new_room_when_it_is_there(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 2)
    take(database.worker, quantity=1)
    which: dict[str, Any] = {"tenant_id": tenant, "kind": "concurrency", "key": "k"}
    with first.transaction():
        facade.change_limit(first, **which, capacity=2)
        assert _claim(observer) == []
    assert _claim(observer) == runs[1:]


def test_a_claim_then_a_smaller_limit_the_slot_that_was_taken_stays(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 3, limit=2)
    assert take(database.worker, quantity=1)
    which: dict[str, Any] = {"tenant_id": tenant, "kind": "concurrency", "key": "k"}
    with first.transaction():
        assert _claim(first) == runs[1:2]
        second = Second(database.worker, lambda own: facade.change_limit(own, **which, capacity=1))
        second.wait_until_blocked(observer, first)
    assert second.result().held == 2
    assert _claim(observer) == []


def test_pause_then_grant_a_paused_waiter_is_passed_over_and_first_again_when_it_goes_on(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    runs = _runs(observer, tenant, 3)
    end(database, *take(database.worker))
    pause = "UPDATE highway.task SET state = %s WHERE task_id = %s"
    with first.transaction():
        first.execute(pause, ["paused", runs[1]])
        assert grant(database) == 0
    assert grant(database) == 1
    (task,) = take(database.worker)
    assert task.task_id == runs[2]
    late = start(observer, tenant, flow=slots(1))
    assert take(database.worker) == []
    first.execute(pause, ["sleeping", runs[1]])
    end(database, task)
    assert grant(database) == 1
    assert _claim(observer, 10) == runs[1:2]
    assert in_line(observer) == [late]


def test_grant_then_pause_a_step_s_slot_goes_to_the_next_and_its_step_asks_in_its_old_place(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    holder, one, two = _steps(database, observer, tenant, 3)
    write(database.worker, *(TaskWrites(task, exit=Suspended()) for task in (one, two)))
    end(database, holder)
    with first.transaction():
        assert grant_slots(first) == 1
        which = {"tenant_id": tenant, "workflow_run_id": one.workflow_run_id}
        second = Second(database.worker, lambda own: facade.pause(own, **which))
        second.wait_until_blocked(observer, first)
    second.result()
    assert grant(database) == 1
    assert (held(observer), in_line(observer)) == ([two.task_id], [one.task_id])
    assert scalar(observer, "SELECT needed FROM highway.wait WHERE task_id = %s", one.task_id) == 1


def test_suspend_then_grant_the_grant_passes_by_and_comes_again(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    holder, waiter = _steps(database, observer, tenant, 2)
    end(database, holder)
    with first.transaction():
        commit(first, [TaskWrites(waiter, exit=Suspended())], WORKER)
        assert grant(database) == 0
    assert states(observer, waiter.workflow_run_id)[""] == "sleeping"
    assert grant(database) == 1
    assert states(observer, waiter.workflow_run_id)[""] == "pending"


def test_grant_then_suspend_a_task_whose_slot_has_come_does_not_sleep(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    holder, waiter = _steps(database, observer, tenant, 2)
    end(database, holder)
    with first.transaction():
        assert grant_slots(first) == 1
        nap = TaskWrites(waiter, exit=Suspended())
        second = Second(database.worker, lambda own: commit(own, [nap], WORKER))
        second.wait_until_blocked(observer, first)
    second.result()
    assert states(observer, waiter.workflow_run_id)[""] == "pending"


def test_two_commits_that_ask_for_two_limits_in_opposite_order_take_them_in_one_order(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    for _ in range(4):
        start(observer, tenant)
    one, two, three, four = take(database.worker)
    a, b = one_slot("a", 2), one_slot("b", 2)
    with first.transaction():
        commit(first, [asks(one, "x", b), asks(two, "y", a)], WORKER)
        others = [asks(three, "x", a), asks(four, "y", b)]
        second = Second(database.worker, lambda own: commit(own, others, WORKER))
        second.wait_until_blocked(observer, first)
    assert second.result().granted == {(three.task_id, "x"), (four.task_id, "y")}


def test_checkpoint_then_ask_a_step_s_slot_is_free_with_its_checkpoint(
    database: Database, tenant: UUID, first: Connection, observer: Connection
) -> None:
    (holder,) = _steps(database, observer, tenant, 1)
    start(observer, tenant)
    (other,) = take(database.worker)
    with first.transaction():
        commit(first, [step(holder, "work", ended_waits=["work"], freed=["work"])], WORKER)
        assert write(database.worker, asks(other, "work")).granted == set()
    assert grant(database) == 1
    assert held(observer) == [other.task_id]


def test_an_end_in_the_same_commit_as_another_step_s_ask_takes_no_slot(
    database: Database, tenant: UUID, observer: Connection
) -> None:
    start(observer, tenant)
    (task,) = take(database.worker)
    writes = asks(task, "work")
    writes.exit = DONE
    assert write(database.worker, writes).granted == set()
    assert scalar(observer, "SELECT count(*) FROM highway.slot") == 0
