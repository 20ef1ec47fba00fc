"""Pause and resume meet claims, commits, events, timers, forks and children: no wake-up is lost, nothing is claimed that shall rest."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.queue.writes import HandedBack, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.interleaving import Second
from tests.support.meeting import HEAR, Meeting, ending, rescuing, starting, suspending, waking, writing
from tests.support.runs import fork, take, write

SOON = WaitWrite("nap", "timer", seconds=0)
LATER = WaitWrite("nap", "timer", seconds=3600)


@pytest.fixture
def meeting(module_database: Database, tenant: UUID) -> Meeting:
    return Meeting(module_database, tenant)


def test_pause_then_claim_the_claim_passes_by(meeting: Meeting) -> None:
    run = meeting.start()
    assert meeting.passed_by(meeting.asking(facade.pause, run), meeting.claiming) == ("paused", [])
    assert meeting.take() == []
    assert meeting.state(run) == "paused"


def test_claim_then_pause_the_pause_asks_the_new_worker(meeting: Meeting) -> None:
    run = meeting.start()
    assert meeting.blocked(meeting.claiming, meeting.asking(facade.pause, run)) == ([run], "running")
    assert meeting.value("SELECT pause_requested FROM highway.task WHERE task_id = %s", run)


def test_pause_then_complete_the_run_completes_and_is_not_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.pause, task.task_id), writing(ending(task)))
    assert result.live == {task.task_id}
    assert meeting.state(task.task_id) == "completed"
    assert meeting.value("SELECT paused_at FROM highway.workflow_run WHERE workflow_run_id = %s", task.task_id) is None


def test_complete_then_pause_the_pause_is_refused(meeting: Meeting) -> None:
    task = meeting.taken()
    _, error = meeting.blocked(writing(ending(task)), meeting.asking(facade.pause, task.task_id))
    assert isinstance(error, StateError)
    assert meeting.state(task.task_id) == "completed"


def test_pause_then_wait_the_task_is_paused_and_its_wait_kept(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.pause, task.task_id), writing(suspending(task)))
    assert meeting.state(task.task_id) == "paused"
    assert meeting.now(meeting.asking(facade.resume, task.task_id)) == "sleeping"
    meeting.now(meeting.asking(facade.emit_event, task.task_id, name="go"))
    assert meeting.state(task.task_id) == "pending"


def test_wait_then_pause_the_sleeper_is_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    assert meeting.blocked(writing(suspending(task)), meeting.asking(facade.pause, task.task_id))[1] == "paused"
    assert meeting.state(task.task_id) == "paused"


def test_pause_then_emit_the_event_wakes_at_the_resume(meeting: Meeting) -> None:
    run = meeting.asleep()
    emit = meeting.asking(facade.emit_event, run, name="go")
    assert meeting.blocked(meeting.asking(facade.pause, run), emit) == ("paused", True)
    assert meeting.state(run) == "paused"
    assert meeting.now(meeting.asking(facade.resume, run)) == "pending"


def test_emit_then_pause_the_woken_task_is_paused_and_goes_on_at_the_resume(meeting: Meeting) -> None:
    run = meeting.asleep()
    emit = meeting.asking(facade.emit_event, run, name="go")
    assert meeting.blocked(emit, meeting.asking(facade.pause, run)) == (True, "paused")
    assert meeting.now(meeting.asking(facade.resume, run)) == "pending"


def test_pause_then_fork_what_is_forked_begins_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    join = WaitWrite("j", "tasks", awaited=["b"])
    meeting.blocked(
        meeting.asking(facade.pause, task.task_id), writing(fork(task, "b", waits=[join], exit=HandedBack()))
    )
    assert meeting.states(task.task_id) == {"": "paused", "b": "paused"}
    meeting.now(meeting.asking(facade.resume, task.task_id))
    assert meeting.states(task.task_id) == {"": "pending", "b": "pending"}


def test_fork_then_pause_the_pause_finds_what_was_forked(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(writing(fork(task, "b")), meeting.asking(facade.pause, task.task_id))
    assert meeting.states(task.task_id) == {"": "running", "b": "paused"}


def test_pause_then_start_of_a_child_the_child_begins_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.pause, task.task_id), writing(starting(task)))
    child = result.children[task.task_id, "kid"]
    assert meeting.state(child) == "paused"
    meeting.now(meeting.asking(facade.resume, task.task_id))
    assert meeting.state(child) == "pending"


def test_start_of_a_child_then_pause_the_pause_takes_a_second_look_and_finds_it(meeting: Meeting) -> None:
    task = meeting.taken()
    result, _ = meeting.blocked(writing(starting(task)), meeting.asking(facade.pause, task.task_id))
    assert meeting.state(result.children[task.task_id, "kid"]) == "paused"


def test_pause_then_end_of_a_child_the_parent_is_told_and_goes_on_at_the_resume(meeting: Meeting) -> None:
    parent, child = meeting.with_child()
    (task,) = meeting.take()
    write(meeting.database.worker, suspending(parent, WaitWrite("kids", "tasks", awaited=["kid"])))
    meeting.blocked(meeting.asking(facade.pause, parent.task_id), writing(ending(task)))
    assert (meeting.state(parent.task_id), meeting.state(child)) == ("paused", "completed")
    assert meeting.now(meeting.asking(facade.resume, parent.task_id)) == "pending"


def test_end_of_a_child_then_pause_the_woken_parent_is_paused(meeting: Meeting) -> None:
    parent, _ = meeting.with_child()
    (task,) = meeting.take()
    write(meeting.database.worker, suspending(parent, WaitWrite("kids", "tasks", awaited=["kid"])))
    meeting.blocked(writing(ending(task)), meeting.asking(facade.pause, parent.task_id))
    assert meeting.state(parent.task_id) == "paused"
    assert meeting.now(meeting.asking(facade.resume, parent.task_id)) == "pending"


def test_pause_then_wake_by_time_the_waker_passes_by_and_the_resume_finds_the_time_come(meeting: Meeting) -> None:
    run = meeting.asleep(LATER)
    assert meeting.passed_by(meeting.asking(facade.pause, run), waking) == ("paused", 0)
    with connect(meeting.database.superuser) as connection:
        connection.execute("UPDATE highway.wait SET due_at = now() WHERE task_id = %s", [run])
    assert meeting.now(waking) == 0
    assert meeting.now(meeting.asking(facade.resume, run)) == "pending"


def test_wake_by_time_then_pause_the_woken_task_is_paused(meeting: Meeting) -> None:
    run = meeting.asleep(LATER)
    with connect(meeting.database.superuser) as connection:
        connection.execute("UPDATE highway.wait SET due_at = now() WHERE task_id = %s", [run])
        connection.execute("UPDATE highway.task SET available_at = now() WHERE task_id = %s", [run])
    woken, status = meeting.blocked(waking, meeting.asking(facade.pause, run))
    assert (woken >= 1, status) == (True, "paused")
    assert meeting.now(meeting.asking(facade.resume, run)) == "pending"


def test_pause_then_cancel_the_run_ends_at_once(meeting: Meeting) -> None:
    run = meeting.asleep()
    assert meeting.blocked(meeting.asking(facade.pause, run), meeting.asking(facade.cancel, run)) == (
        "paused",
        "cancelled",
    )
    assert meeting.state(run) == "cancelled"


def test_cancel_then_pause_a_run_that_is_being_stopped_is_not_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    cancel, pause = meeting.asking(facade.cancel, task.task_id), meeting.asking(facade.pause, task.task_id)
    _, error = meeting.blocked(cancel, pause)
    assert isinstance(error, StateError)
    assert "being stopped" in str(error)


def test_pause_then_pause_both_get_the_same_answer_and_the_first_is_named(meeting: Meeting) -> None:
    run = meeting.asleep()
    first, second = (meeting.asking(facade.pause, run, by=who) for who in ("ann", "ben"))
    assert meeting.blocked(first, second) == ("paused", "paused")
    assert meeting.value("SELECT paused_by FROM highway.workflow_run WHERE workflow_run_id = %s", run) == "ann"


def test_pause_then_rescue_the_rescuer_passes_by_and_then_leaves_the_task_paused(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    meeting.passed_by(meeting.asking(facade.pause, run), rescuing)
    assert meeting.state(run) == "running"
    meeting.now(rescuing)
    assert meeting.state(run) == "paused"
    assert meeting.now(meeting.asking(facade.resume, run)) == "pending"


def test_rescue_then_pause_the_rescued_task_is_paused(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    assert meeting.blocked(rescuing, meeting.asking(facade.pause, run))[1] == "paused"


def test_resume_then_cancel_the_run_is_cancelled(meeting: Meeting) -> None:
    run = meeting.asleep()
    meeting.now(meeting.asking(facade.pause, run))
    resume, cancel = meeting.asking(facade.resume, run), meeting.asking(facade.cancel, run)
    assert meeting.blocked(resume, cancel) == ("sleeping", "cancelled")


def test_cancel_then_resume_the_resume_is_refused(meeting: Meeting) -> None:
    run = meeting.asleep()
    meeting.now(meeting.asking(facade.pause, run))
    _, error = meeting.blocked(meeting.asking(facade.cancel, run), meeting.asking(facade.resume, run))
    assert isinstance(error, StateError)
    assert meeting.state(run) == "cancelled"


def test_resume_then_emit_the_sleeper_is_woken(meeting: Meeting) -> None:
    run = meeting.asleep()
    meeting.now(meeting.asking(facade.pause, run))
    meeting.blocked(meeting.asking(facade.resume, run), meeting.asking(facade.emit_event, run, name="go"))
    assert meeting.state(run) == "pending"


def test_emit_then_resume_the_resume_sees_the_event(meeting: Meeting) -> None:
    run = meeting.asleep()
    meeting.now(meeting.asking(facade.pause, run))
    meeting.blocked(meeting.asking(facade.emit_event, run, name="go"), meeting.asking(facade.resume, run))
    assert meeting.state(run) == "pending"


def test_resume_then_claim_the_claim_passes_by_and_the_next_one_takes_it(meeting: Meeting) -> None:
    run = meeting.start()
    meeting.now(meeting.asking(facade.pause, run))
    assert meeting.passed_by(meeting.asking(facade.resume, run), meeting.claiming) == ("pending", [])
    assert [task.task_id for task in meeting.take()] == [run]


def test_resume_then_resume_the_second_is_refused(meeting: Meeting) -> None:
    run = meeting.asleep()
    meeting.now(meeting.asking(facade.pause, run))
    first, error = meeting.blocked(meeting.asking(facade.resume, run), meeting.asking(facade.resume, run))
    assert (first, type(error)) == ("sleeping", StateError)


def test_resume_then_the_exit_of_a_pausing_worker_the_task_is_not_paused_any_more(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.now(meeting.asking(facade.pause, task.task_id))
    meeting.blocked(
        meeting.asking(facade.resume, task.task_id), writing(TaskWrites(task, waits=[HEAR], exit=HandedBack()))
    )
    assert meeting.state(task.task_id) == "pending"


def test_the_exit_of_a_pausing_worker_then_resume_what_it_had_not_begun_is_not_forgotten(meeting: Meeting) -> None:
    """The worker waits for an event in one step and was kept from beginning another: only being claimed again begins that one."""
    task = meeting.taken()
    meeting.now(meeting.asking(facade.pause, task.task_id))
    leave = writing(TaskWrites(task, waits=[HEAR], exit=HandedBack()))
    assert meeting.blocked(leave, meeting.asking(facade.resume, task.task_id))[1] == "pending"


def test_a_pause_that_waits_for_a_child_s_task_holds_nobody_in_a_circle(meeting: Meeting) -> None:
    """1 the pause holds the parent and waits for the child, 2 the child's end wants both, all at once and in order: it waits, too."""
    parent, child = meeting.with_child()
    (task,) = take(meeting.database.worker, queues=(str(meeting.tenant),))
    write(meeting.database.worker, suspending(parent, WaitWrite("kids", "tasks", awaited=["kid"])))
    with connect(meeting.database.worker) as holder, connect(meeting.database.worker) as observer:
        with holder.transaction():
            holder.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [child])
            pause = Second(meeting.database.worker, meeting.asking(facade.pause, parent.task_id))
            pause.wait_until_blocked(observer, by=holder)
            end = Second(meeting.database.worker, writing(ending(task)))
            end.wait_until_blocked(observer)
        assert pause.result() in ("paused", "sleeping")
        assert end.result().live == {child}
    assert meeting.state(parent.task_id) == "paused"
    assert meeting.now(meeting.asking(facade.resume, parent.task_id)) == "pending"
