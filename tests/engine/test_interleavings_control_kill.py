"""Kill and restart meet claims, commits, rescues, reports and each other: a killed run stays dead, a restarted one begins once."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine import facade
from engine.db.errors import NotFoundError, StateError
from engine.queue.stopping import stop_runs
from engine.queue.writes import Finished, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.meeting import ERROR, Act, Meeting, ending, rescuing, starting, suspending, waking, writing
from tests.support.runs import fork, step, write

KIDS = WaitWrite("kids", "tasks", awaited=["kid"])


@pytest.fixture
def meeting(module_database: Database, tenant: UUID) -> Meeting:
    return Meeting(module_database, tenant)


def test_kill_then_complete_the_late_end_changes_nothing(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.kill, task.task_id), writing(ending(task)))
    assert result.stale == {task.task_id}
    assert meeting.state(task.task_id) == "cancelled"


def test_complete_then_kill_the_kill_is_refused(meeting: Meeting) -> None:
    task = meeting.taken()
    _, error = meeting.blocked(writing(ending(task)), meeting.asking(facade.kill, task.task_id))
    assert isinstance(error, StateError)
    assert meeting.state(task.task_id) == "completed"


def test_kill_then_checkpoint_the_late_checkpoint_is_not_written(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.kill, task.task_id), writing(step(task, "only")))
    assert meeting.value("SELECT count(*) FROM highway.checkpoint WHERE workflow_run_id = %s", task.task_id) == 0


def test_checkpoint_then_kill_the_checkpoint_stays(meeting: Meeting) -> None:
    task = meeting.taken()
    assert meeting.blocked(writing(step(task, "only")), meeting.asking(facade.kill, task.task_id))[1] == "cancelled"
    assert meeting.value("SELECT count(*) FROM highway.checkpoint WHERE workflow_run_id = %s", task.task_id) == 1


def test_kill_then_rescue_the_rescuer_passes_by_and_finds_nothing_afterwards(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    meeting.passed_by(meeting.asking(facade.kill, run), rescuing)
    meeting.now(rescuing)
    assert meeting.state(run) == "cancelled"


def test_rescue_then_kill_the_rescued_task_dies(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    assert meeting.blocked(rescuing, meeting.asking(facade.kill, run))[1] == "cancelled"
    assert meeting.take() == []


def test_kill_then_claim_the_claim_passes_by(meeting: Meeting) -> None:
    run = meeting.start()
    assert meeting.passed_by(meeting.asking(facade.kill, run), meeting.claiming) == ("cancelled", [])
    assert meeting.take() == []


def test_claim_then_kill_the_fresh_claim_is_void(meeting: Meeting) -> None:
    run = meeting.start()
    assert meeting.blocked(meeting.claiming, meeting.asking(facade.kill, run)) == ([run], "cancelled")
    assert meeting.value("SELECT claimed_by FROM highway.task WHERE task_id = %s", run) is None


def test_kill_of_a_child_then_its_parent_s_wait_the_parent_finds_it_dead(meeting: Meeting) -> None:
    parent, child = meeting.with_child()
    meeting.blocked(meeting.asking(facade.kill, child), writing(suspending(parent, KIDS)))
    assert meeting.state(parent.task_id) == "pending"


def test_a_parent_s_wait_then_kill_of_its_child_the_parent_is_woken(meeting: Meeting) -> None:
    parent, child = meeting.with_child()
    meeting.blocked(writing(suspending(parent, KIDS)), meeting.asking(facade.kill, child))
    assert meeting.state(parent.task_id) == "pending"


def test_kill_of_a_parent_then_end_of_its_child_the_child_is_dead_by_then(meeting: Meeting) -> None:
    parent, child = meeting.with_child()
    (task,) = meeting.take()
    _, result = meeting.blocked(meeting.asking(facade.kill, parent.task_id), writing(ending(task)))
    assert result.stale == {child}
    assert meeting.state(child) == "cancelled"


def test_end_of_a_child_then_kill_of_its_parent_the_child_has_completed(meeting: Meeting) -> None:
    parent, child = meeting.with_child()
    (task,) = meeting.take()
    meeting.blocked(writing(ending(task)), meeting.asking(facade.kill, parent.task_id))
    assert (meeting.state(parent.task_id), meeting.state(child)) == ("cancelled", "completed")


def test_start_of_a_child_then_kill_the_kill_takes_a_second_look_and_finds_it(meeting: Meeting) -> None:
    task = meeting.taken()
    result, _ = meeting.blocked(writing(starting(task)), meeting.asking(facade.kill, task.task_id))
    assert meeting.state(result.children[task.task_id, "kid"]) == "cancelled"


def test_kill_then_start_of_a_child_there_is_no_child(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.kill, task.task_id), writing(starting(task)))
    assert result.stale == {task.task_id}
    assert meeting.value("SELECT count(*) FROM highway.workflow_run WHERE parent_run_id = %s", task.task_id) == 0


def test_kill_then_fork_there_is_no_branch(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.kill, task.task_id), writing(fork(task, "b")))
    assert meeting.states(task.task_id) == {"": "cancelled"}


def test_fork_then_kill_the_branch_dies_too(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(writing(fork(task, "b")), meeting.asking(facade.kill, task.task_id))
    assert meeting.states(task.task_id) == {"": "cancelled", "b": "cancelled"}


def test_kill_then_cancel_the_cancel_is_refused(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    _, error = meeting.blocked(meeting.asking(facade.kill, run), meeting.asking(facade.cancel, run))
    assert isinstance(error, StateError)


def test_cancel_then_kill_what_did_not_stop_by_itself_is_ended(meeting: Meeting) -> None:
    run = meeting.taken().task_id
    assert meeting.blocked(meeting.asking(facade.cancel, run), meeting.asking(facade.kill, run)) == (
        "running",
        "cancelled",
    )
    assert (
        meeting.value("SELECT error ->> 'kind' FROM highway.workflow_run WHERE workflow_run_id = %s", run) == "killed"
    )


def test_kill_then_kill_the_second_is_refused(meeting: Meeting) -> None:
    run = meeting.asleep()
    _, error = meeting.blocked(meeting.asking(facade.kill, run), meeting.asking(facade.kill, run))
    assert isinstance(error, StateError)


def test_kill_then_pause_the_pause_is_refused(meeting: Meeting) -> None:
    run = meeting.asleep()
    _, error = meeting.blocked(meeting.asking(facade.kill, run), meeting.asking(facade.pause, run))
    assert isinstance(error, StateError)


def test_kill_then_emit_the_event_is_refused(meeting: Meeting) -> None:
    run = meeting.asleep()
    _, error = meeting.blocked(meeting.asking(facade.kill, run), meeting.asking(facade.emit_event, run, name="go"))
    assert isinstance(error, StateError)


def test_kill_then_wake_by_time_the_waker_passes_by(meeting: Meeting) -> None:
    run = meeting.asleep(WaitWrite("nap", "timer", seconds=0.05), WaitWrite("later", "event", event_name="never"))
    meeting.passed_by(meeting.asking(facade.kill, run), waking)
    assert meeting.now(waking) == 0
    assert meeting.state(run) == "cancelled"


def test_restart_then_restart_the_run_begins_once(meeting: Meeting) -> None:
    run = meeting.failed()
    first, error = meeting.blocked(meeting.asking(facade.restart, run), meeting.asking(facade.restart, run))
    assert (first, type(error)) == ("pending", StateError)
    assert (
        meeting.value("SELECT count(*) FROM highway.journal WHERE workflow_run_id = %s AND kind = 'restarted'", run)
        == 1
    )


def test_restart_then_purge_the_purge_is_refused(meeting: Meeting) -> None:
    run = meeting.failed()
    _, error = meeting.blocked(meeting.asking(facade.restart, run), meeting.asking(facade.purge, run))
    assert isinstance(error, StateError)
    assert meeting.state(run) == "pending"


def test_purge_then_restart_there_is_nothing_to_restart(meeting: Meeting) -> None:
    run = meeting.failed()
    _, error = meeting.blocked(meeting.asking(facade.purge, run), meeting.asking(facade.restart, run))
    assert isinstance(error, NotFoundError)


def test_restart_then_cancel_a_cancel_that_sees_the_run_ended_is_refused_and_a_later_one_is_not(
    meeting: Meeting,
) -> None:
    run = meeting.failed()
    with pytest.raises(StateError, match="already ended"):
        meeting.passed_by(meeting.asking(facade.restart, run), meeting.asking(facade.cancel, run))
    meeting.now(meeting.asking(facade.restart, run))
    assert meeting.now(meeting.asking(facade.cancel, run)) == "cancelled"


def test_restart_then_claim_the_claim_passes_by_and_the_next_one_takes_it(meeting: Meeting) -> None:
    run = meeting.failed()
    assert meeting.passed_by(meeting.asking(facade.restart, run), meeting.claiming) == ("pending", [])
    assert [task.task_id for task in meeting.take()] == [run]


def test_restart_then_a_late_write_from_before_the_end_it_changes_nothing(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.now(meeting.asking(facade.kill, task.task_id))
    _, result = meeting.blocked(meeting.asking(facade.restart, task.task_id), writing(ending(task)))
    assert result.stale == {task.task_id}
    assert meeting.state(task.task_id) == "pending"


def test_the_end_of_a_stopped_run_that_waited_for_its_branch_then_restart_the_branch_goes_on_too(
    meeting: Meeting,
) -> None:
    task = meeting.taken()
    write(meeting.database.worker, fork(task, "b"))
    write(meeting.database.worker, suspending(task, WaitWrite("j", "tasks", awaited=["b"])))
    (branch,) = meeting.take()
    assert meeting.now(meeting.asking(facade.cancel, task.task_id)) == "pending"
    write(meeting.database.worker, TaskWrites(branch, exit=Finished("cancelled")))
    (again,) = meeting.take()
    end = writing(TaskWrites(again, exit=Finished("cancelled")))
    assert meeting.blocked(end, meeting.asking(facade.restart, task.task_id))[1] == "pending"
    assert meeting.states(task.task_id) == {"": "pending", "b": "pending"}
    (fresh, _) = sorted(meeting.take(), key=lambda each: each.key)
    assert fresh.phase == ""


def _orphan(meeting: Meeting) -> tuple[UUID, UUID]:
    """A failed parent, and its child run that is still open."""
    parent, child = meeting.with_child()
    write(meeting.database.worker, TaskWrites(parent, exit=Finished("failed", error=ERROR.to_json())))
    return parent.task_id, child


def _stopping(meeting: Meeting, child: UUID) -> Act:
    return lambda connection: stop_runs(connection, [(meeting.tenant, child, "cancelled")], "orphan", orphans=True)


def test_restart_of_a_parent_then_the_end_of_its_orphan_the_child_is_no_orphan_any_more(meeting: Meeting) -> None:
    parent, child = _orphan(meeting)
    assert meeting.blocked(meeting.asking(facade.restart, parent), _stopping(meeting, child)) == ("pending", 0)
    assert meeting.state(child) == "pending"


def test_the_end_of_an_orphan_then_restart_of_its_parent_the_child_is_restarted_too(meeting: Meeting) -> None:
    parent, child = _orphan(meeting)
    assert meeting.blocked(_stopping(meeting, child), meeting.asking(facade.restart, parent)) == (1, "pending")
    assert meeting.state(child) == "pending"
