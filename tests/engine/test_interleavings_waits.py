"""Waits: whoever comes first, nobody sleeps on and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.db.queries import load
from engine.model.commands import CancelTasks, StartChild
from engine.model.task import ClaimedTask
from engine.queue.claims import wake_due
from engine.queue.commit import commit
from engine.queue.loading import load_waits
from engine.queue.writes import Finished, HandedBack, Suspended, TaskWrites, WaitWrite
from engine.services.orphans import stop_orphans
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import ONE_TASK, WORKER, fork, fork_and_wait, scalar, start, states, take, write

DONE = Finished("completed", {"ok": True})


def _join(task: ClaimedTask, *keys: str) -> TaskWrites:
    return TaskWrites(task, waits=[WaitWrite("join", "tasks", awaited=list(keys))], exit=Suspended())


def _hear(task: ClaimedTask, name: str) -> TaskWrites:
    return TaskWrites(task, waits=[WaitWrite("hear", "event", event_name=name)], exit=Suspended())


def _nap(task: ClaimedTask) -> TaskWrites:
    return TaskWrites(task, waits=[WaitWrite("nap", "timer", seconds=60)], exit=Suspended())


def test_the_branch_ends_then_the_parent_waits(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        write(database.worker, fork(parent, "f.a"))
        (branch,) = take(database.worker)
        with first.transaction():
            commit(first, [TaskWrites(branch, exit=DONE)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [_join(parent, "f.a")], WORKER))
            second.wait_until_blocked(observer)
        assert second.result().live == {run}
        assert states(observer, run) == {"": "pending", "f.a": "completed"}
        assert problems(database.worker) == []


def test_the_parent_waits_then_the_branch_ends(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        write(database.worker, fork(parent, "f.a"))
        (branch,) = take(database.worker)
        with first.transaction():
            commit(first, [_join(parent, "f.a")], WORKER)
            second = Second(database.worker, lambda own: commit(own, [TaskWrites(branch, exit=DONE)], WORKER))
            second.wait_until_blocked(observer)
        assert second.result().live == {branch.task_id}
        assert states(observer, run) == {"": "pending", "f.a": "completed"}
        assert problems(database.worker) == []


def test_two_branches_that_end_at_once_are_counted_once_each(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        write(database.worker, fork_and_wait(take(database.worker)[0], "f.a", "f.b", "f.c"))
        a, b, _ = take(database.worker)
        with first.transaction():
            commit(first, [TaskWrites(a, exit=DONE)], WORKER)
            second = Second(database.worker, lambda own: commit(own, [TaskWrites(b, exit=DONE)], WORKER))
            second.wait_until_blocked(observer)
        second.result()
        assert scalar(observer, "SELECT needed FROM highway.wait") == 1
        assert states(observer, run)[""] == "sleeping"


def test_a_join_over_keys_that_are_named_twice_or_do_not_exist_ends(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        write(database.worker, fork(parent, "f.a"))
        write(database.worker, _join(parent, "f.a", "f.a", "other.b"))
        (branch,) = take(database.worker)
        assert states(observer, run)[""] == "sleeping"
        write(database.worker, TaskWrites(branch, exit=DONE))
        (parent,) = take(database.worker)
        (over,) = load_waits(observer, [parent])[run].over
        payload: Any = over.payload
        assert payload["f.a"]["status"] == "completed"
        assert payload["other.b"]["status"] == "failed"
        assert payload["other.b"]["error"]["type"] == "UnknownTask"


def _child(parent: ClaimedTask, name: str, key: str = "call.child") -> TaskWrites:
    return TaskWrites(
        parent,
        children=[StartChild("call", key, {}, workflow_name=name)],
        waits=[WaitWrite("call", "tasks", awaited=[key])],
    )


def test_a_child_of_an_unknown_definition_is_not_waited_for(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        result = write(database.worker, _child(parent, "nobody"))
        assert result.children == {(run, "call.child"): None}
        # The worker dies before it has told the step: what is durable is enough.
        write(database.worker, TaskWrites(parent, exit=Suspended()))
        assert states(observer, run) == {"": "pending"}


def test_a_child_that_ends_while_its_parent_goes_to_sleep_wakes_it(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        write(database.worker, _child(parent, str(ONE_TASK["name"])))
        (child,) = take(database.worker)
        assert child.parent_task_id == run
        with first.transaction():
            commit(first, [TaskWrites(parent, exit=Suspended())], WORKER)
            second = Second(database.worker, lambda own: commit(own, [TaskWrites(child, exit=DONE)], WORKER))
            second.wait_until_blocked(observer)
        second.result()
        assert states(observer, run) == {"": "pending"}
        assert problems(database.worker) == []


def test_a_child_that_is_cancelled_while_its_parent_goes_to_sleep_wakes_it(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (parent,) = take(database.worker)
        child = write(database.worker, _child(parent, str(ONE_TASK["name"]))).children[run, "call.child"]
        assert child
        with first.transaction():
            commit(first, [TaskWrites(parent, exit=Suspended())], WORKER)
            second = Second(
                database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=child, reason="no")
            )
            second.wait_until_blocked(observer)
        assert second.result() == "cancelled"
        assert states(observer, run) == {"": "pending"}
        assert problems(database.worker) == []


def test_a_cancel_that_waits_for_a_suspension_ends_the_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            commit(first, [_nap(task)], WORKER)
            second = Second(database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=run))
            second.wait_until_blocked(observer)
        assert second.result() == "cancelled"
        assert problems(database.worker) == []


def _pause(task: ClaimedTask) -> TaskWrites:
    return TaskWrites(task, exit=HandedBack(60))


@pytest.mark.parametrize("leave", [_nap, _pause])
def test_a_suspension_or_hand_back_that_waits_for_a_cancel_does_not_sleep(
    database: Database, tenant: UUID, leave: Callable[[ClaimedTask], TaskWrites]
) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            assert facade.cancel(first, tenant_id=tenant, workflow_run_id=run) == "running"
            second = Second(database.worker, lambda own: commit(own, [leave(task)], WORKER))
            second.wait_until_blocked(observer)
        assert second.result().cancel_requested == {run}
        (again,) = take(database.worker)
        assert again.cancel_requested
        write(database.worker, TaskWrites(again, exit=Finished("cancelled")))
        assert problems(database.worker) == []


def test_a_failure_that_a_cancel_has_overtaken_ends_as_cancelled(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        failed = Finished("failed", error={"kind": "branch", "message": "f.a cancelled"})
        with first.transaction():
            facade.cancel(first, tenant_id=tenant, workflow_run_id=run, reason="enough")
            second = Second(database.worker, lambda own: commit(own, [TaskWrites(task, exit=failed)], WORKER))
            second.wait_until_blocked(observer)
        second.result()
        seen = facade.get_run(observer, tenant_id=tenant, workflow_run_id=run)
        assert seen.status == "cancelled"
        assert seen.error == {"kind": "cancelled", "type": "", "retryable": False, "message": "enough"}


def test_a_deadline_that_waits_for_the_end_of_its_run_changes_nothing(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        stop = {"tenant_id": tenant, "run_id": run, "reason": "late", "outcome": "failed"}
        with first.transaction():
            commit(first, [TaskWrites(task, exit=DONE)], WORKER)
            second = Second(database.worker, lambda own: load("service").cancel.one(own, **stop))
            second.wait_until_blocked(observer)
        assert isinstance(second.result(), StateError)
        assert scalar(observer, "SELECT status FROM highway.workflow_run") == "completed"
        assert scalar(observer, "SELECT cancel_requested_at FROM highway.workflow_run") is None


def test_the_first_of_two_stops_decides_how_the_run_ends(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        stop = {"tenant_id": tenant, "run_id": run, "reason": "late", "outcome": "failed"}
        with first.transaction():
            load("service").cancel.one(first, **stop)
            second = Second(database.worker, lambda own: facade.cancel(own, tenant_id=tenant, workflow_run_id=run))
            second.wait_until_blocked(observer)
        second.result()
        write(database.worker, TaskWrites(task, exit=Finished("failed", error={"kind": "tool", "message": "killed"})))
        seen = facade.get_run(observer, tenant_id=tenant, workflow_run_id=run)
        assert (seen.status, seen.error and seen.error["kind"]) == ("failed", "deadline")


def test_a_signal_and_an_event_at_once_wake_the_waiter_once_and_the_first_payload_counts(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        write(database.worker, _hear(take(database.worker)[0], "go"))
        which: dict[str, Any] = {"tenant_id": tenant, "workflow_run_id": run, "name": "go"}
        with first.transaction():
            assert facade.emit_event(first, **which, payload=1)
            second = Second(database.worker, lambda own: facade.send_signal(own, **which, payload=2))
            second.wait_until_blocked(observer)
        assert second.result() > 0
        (task,) = take(database.worker)
        assert load_waits(observer, [task])[run].over[0].payload == 1


def test_a_timer_and_an_event_at_once_wake_the_sleeper_once(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        wait = WaitWrite("hear", "event", seconds=0.05, event_name="go")
        write(database.worker, TaskWrites(take(database.worker)[0], waits=[wait], exit=Suspended()))
        observer.execute("SELECT pg_sleep(0.1)")
        with first.transaction():
            assert wake_due(first, quantity=10)[0] == 1
            second = Second(
                database.worker,
                lambda own: facade.emit_event(own, tenant_id=tenant, workflow_run_id=run, name="go"),
            )
            second.wait_until_blocked(observer)
            assert wake_due(observer, quantity=10)[0] == 0, "who wakes by time passes by what is locked"
        assert second.result() is True
        (task,) = take(database.worker)
        assert take(database.worker) == []
        assert not load_waits(observer, [task])[run].over[0].timed_out, "the event is there: it was not late"


def test_a_branch_that_is_cancelled_in_its_sleep_takes_its_own_branches_and_children_along(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        write(database.worker, fork_and_wait(take(database.worker)[0], "f.a", "f.b"))
        a, b = sorted(take(database.worker), key=lambda task: task.key)
        write(database.worker, fork(a, "f.a/g.x"))
        child = write(database.worker, _child(a, str(ONE_TASK["name"]))).children[a.task_id, "call.child"]
        write(database.worker, TaskWrites(a, exit=Suspended()))
        write(database.worker, TaskWrites(b, cancels=[CancelTasks("stop", ["f.a"])]))
        assert states(observer, run) == {"": "sleeping", "f.a": "cancelled", "f.b": "running", "f.a/g.x": "cancelled"}
        assert stop_orphans(observer, WORKER) == 1
        assert child
        assert facade.get_run(observer, tenant_id=tenant, workflow_run_id=child).status == "cancelled"
        assert problems(database.worker, grace_seconds=60) == []


def test_the_completion_event_of_an_activity_that_was_cancelled_wakes_who_waits_for_it(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (root,) = take(database.worker)
        write(database.worker, fork(root, "act", kind="activity"))
        write(database.worker, fork(root, "f.a"))
        write(database.worker, _hear(root, "act:over"))
        branch = next(task for task in take(database.worker) if task.key == "f.a")
        activity = scalar(observer, "SELECT task_id FROM highway.task WHERE key = 'act'")
        observer.execute("UPDATE highway.task SET state = 'pending', claimed_by = NULL WHERE task_id = %s", [activity])
        write(database.worker, TaskWrites(branch, cancels=[CancelTasks("stop", ["act"])]))
        assert states(observer, run)["act"] == "cancelled"
        assert states(observer, run)[""] == "pending"
        assert scalar(observer, "SELECT payload ->> 'status' FROM highway.event") == "cancelled"
