"""Forks, purges, moved starts, answers of people, chains and bulk changes meet what else can happen to their runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotFoundError, StateError
from engine.model.flow import FlowOptions, Singleton
from engine.model.views import RunFilter
from engine.queue.writes import Finished, Suspended, TaskWrites
from tests.support.databases import Database
from tests.support.meeting import ERROR, Act, Meeting, ending, exhausting, starting, suspending, waking, writing
from tests.support.runs import start, step

SINGLE = FlowOptions(singleton=Singleton("s"))


@pytest.fixture
def meeting(module_database: Database, tenant: UUID) -> Meeting:
    return Meeting(module_database, tenant)


def _forking(meeting: Meeting, run: UUID) -> Any:
    return meeting.asking(facade.fork, run, from_step="only")


def _bulk(meeting: Meeting, action: str, *runs: UUID) -> Any:
    def do(connection: psycopg.Connection[Any]) -> tuple[list[UUID], list[UUID]]:
        made = facade.bulk_step(connection, tenant_id=meeting.tenant, action=action, chosen=RunFilter())  # type: ignore[arg-type]
        return sorted(set(made.done) & set(runs)), sorted(set(made.skipped) & set(runs))

    return do


def _continuing(task: Any) -> Any:
    return writing(TaskWrites(task, exit=Finished("completed", continue_with={"n": 1})))


def test_fork_then_purge_of_the_source_the_fork_has_its_history(meeting: Meeting) -> None:
    run = meeting.failed()
    forked, _ = meeting.blocked(_forking(meeting, run), meeting.asking(facade.purge, run))
    assert meeting.state(forked.workflow_run_id) == "pending"
    assert meeting.value("SELECT count(*) FROM highway.workflow_run WHERE workflow_run_id = %s", run) == 0


def test_purge_then_fork_there_is_nothing_to_fork(meeting: Meeting) -> None:
    run = meeting.failed()
    _, error = meeting.blocked(meeting.asking(facade.purge, run), _forking(meeting, run))
    assert isinstance(error, NotFoundError)


def test_fork_then_checkpoint_of_the_source_the_source_goes_on_unharmed(meeting: Meeting) -> None:
    task = meeting.taken()
    forked, result = meeting.blocked(
        _forking(meeting, task.task_id), writing(step(task, "only", exit=Finished("completed")))
    )
    assert result.live == {task.task_id}
    assert (meeting.state(task.task_id), meeting.state(forked.workflow_run_id)) == ("completed", "pending")


def test_end_of_the_source_then_fork_the_fork_is_of_the_ended_run(meeting: Meeting) -> None:
    task = meeting.taken()
    _, forked = meeting.blocked(writing(ending(task)), _forking(meeting, task.task_id))
    assert forked.status == "pending"


def test_fork_then_kill_of_the_source_the_fork_lives(meeting: Meeting) -> None:
    run = meeting.asleep()
    forked, _ = meeting.blocked(_forking(meeting, run), meeting.asking(facade.kill, run))
    assert meeting.state(forked.workflow_run_id) == "pending"


def test_purge_then_purge_the_second_finds_nothing(meeting: Meeting) -> None:
    run = meeting.failed()
    _, error = meeting.blocked(meeting.asking(facade.purge, run), meeting.asking(facade.purge, run))
    assert isinstance(error, NotFoundError)


def test_a_moved_start_then_wake_by_time_the_waker_passes_by_and_the_new_time_holds(meeting: Meeting) -> None:
    run = meeting.start(delay_seconds=3600)
    with connect(meeting.database.superuser) as connection:
        connection.execute("UPDATE highway.task SET available_at = now() WHERE task_id = %s", [run])
    move = meeting.asking(facade.change_start, run, delay_seconds=600)
    assert meeting.passed_by(move, waking) == ("sleeping", 0)
    assert meeting.now(waking) == 0
    assert meeting.state(run) == "sleeping"


def test_wake_by_time_then_a_moved_start_a_run_that_nobody_has_claimed_sleeps_again(meeting: Meeting) -> None:
    run = meeting.start(delay_seconds=3600)
    with connect(meeting.database.superuser) as connection:
        connection.execute("UPDATE highway.task SET available_at = now() WHERE task_id = %s", [run])
    move = meeting.asking(facade.change_start, run, delay_seconds=600)
    assert meeting.blocked(waking, move) == (1, "sleeping")
    assert meeting.take() == []


def test_a_moved_start_then_claim_the_claim_passes_by(meeting: Meeting) -> None:
    run = meeting.start()
    move = meeting.asking(facade.change_start, run, delay_seconds=600)
    assert meeting.passed_by(move, meeting.claiming) == ("sleeping", [])
    assert meeting.take() == []


def test_claim_then_a_moved_start_it_is_too_late(meeting: Meeting) -> None:
    run = meeting.start()
    _, error = meeting.blocked(meeting.claiming, meeting.asking(facade.change_start, run, delay_seconds=600))
    assert isinstance(error, StateError)


def test_a_moved_start_then_cancel_the_run_is_cancelled(meeting: Meeting) -> None:
    run = meeting.start(delay_seconds=3600)
    move = meeting.asking(facade.change_start, run, delay_seconds=600)
    assert meeting.blocked(move, meeting.asking(facade.cancel, run)) == ("sleeping", "cancelled")


def test_cancel_then_a_moved_start_it_is_refused(meeting: Meeting) -> None:
    run = meeting.start(delay_seconds=3600)
    move = meeting.asking(facade.change_start, run, delay_seconds=0)
    _, error = meeting.blocked(meeting.asking(facade.cancel, run), move)
    assert isinstance(error, StateError)


def test_a_new_priority_then_the_end_of_the_run_both_happen(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.set_priority, task.task_id, priority=5), writing(ending(task)))
    assert result.live == {task.task_id}


def test_the_end_of_the_run_then_a_new_priority_it_is_refused(meeting: Meeting) -> None:
    task = meeting.taken()
    _, error = meeting.blocked(writing(ending(task)), meeting.asking(facade.set_priority, task.task_id, priority=5))
    assert isinstance(error, StateError)


def test_give_up_then_resume_one_answer_counts(meeting: Meeting) -> None:
    run = meeting.exhausted()
    give_up, resume = meeting.asking(facade.give_up, run, step="a"), meeting.asking(facade.resume, run)
    status, error = meeting.blocked(give_up, resume)
    assert (status, type(error)) == ("pending", StateError)
    assert meeting.value("SELECT given -> 'try_again' FROM highway.wait WHERE task_id = %s", run) is False


def test_resume_then_give_up_one_answer_counts(meeting: Meeting) -> None:
    run = meeting.exhausted()
    give_up, resume = meeting.asking(facade.give_up, run, step="a"), meeting.asking(facade.resume, run)
    status, error = meeting.blocked(resume, give_up)
    assert (status, type(error)) == ("pending", StateError)
    assert meeting.value("SELECT given -> 'try_again' FROM highway.wait WHERE task_id = %s", run) is True


def test_give_up_then_give_up_the_second_is_refused(meeting: Meeting) -> None:
    run = meeting.exhausted()
    give_up = meeting.asking(facade.give_up, run, step="a")
    assert isinstance(meeting.blocked(give_up, give_up)[1], StateError)


def test_spent_attempts_then_resume_the_resume_sees_the_question_and_answers_it(meeting: Meeting) -> None:
    task = meeting.taken()
    assert meeting.blocked(writing(exhausting(task)), meeting.asking(facade.resume, task.task_id))[1] == "pending"
    assert meeting.state(task.task_id) == "pending"


def test_pause_then_spent_attempts_the_person_who_paused_first_is_named_and_the_question_stands(
    meeting: Meeting,
) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.pause, task.task_id, by="ann"), writing(exhausting(task)))
    assert meeting.state(task.task_id) == "paused"
    assert meeting.value("SELECT paused_by FROM highway.workflow_run WHERE workflow_run_id = %s", task.task_id) == "ann"
    assert meeting.now(meeting.asking(facade.resume, task.task_id)) == "pending"


def test_cancel_then_spent_attempts_the_run_ends_and_asks_nobody(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.cancel, task.task_id), writing(exhausting(task)))
    assert meeting.state(task.task_id) == "pending", "claimable once more, to end"
    assert meeting.value("SELECT paused_at FROM highway.workflow_run WHERE workflow_run_id = %s", task.task_id) is None


def test_spent_attempts_then_cancel_the_paused_run_ends_at_once(meeting: Meeting) -> None:
    task = meeting.taken()
    assert meeting.blocked(writing(exhausting(task)), meeting.asking(facade.cancel, task.task_id))[1] == "cancelled"


def test_spent_attempts_then_kill_of_a_child_run_that_was_started_meanwhile_ends_it_too(meeting: Meeting) -> None:
    """1 the parent's commit starts a child and pauses, 2 the kill waits for the parent, then looks again and finds the child."""
    task = meeting.taken()
    both = starting(task)
    both.waits, both.pause_for, both.exit = exhausting(task).waits, "a failed", Suspended()
    result, _ = meeting.blocked(writing(both), meeting.asking(facade.kill, task.task_id))
    assert meeting.state(result.children[task.task_id, "kid"]) == "cancelled"


def test_cancel_then_continue_as_new_there_is_no_next_run(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.cancel, task.task_id), _continuing(task))
    assert meeting.state(task.task_id) == "cancelled"
    assert (
        meeting.value("SELECT continued_to FROM highway.workflow_run WHERE workflow_run_id = %s", task.task_id) is None
    )


def test_continue_as_new_then_cancel_the_cancel_is_refused_and_the_next_run_lives(meeting: Meeting) -> None:
    task = meeting.taken()
    _, error = meeting.blocked(_continuing(task), meeting.asking(facade.cancel, task.task_id))
    assert isinstance(error, StateError)
    assert meeting.state(_next(meeting, task.task_id)) == "pending"


def test_kill_then_continue_as_new_there_is_no_next_run(meeting: Meeting) -> None:
    task = meeting.taken()
    _, result = meeting.blocked(meeting.asking(facade.kill, task.task_id), _continuing(task))
    assert result.stale == {task.task_id}
    assert meeting.value("SELECT count(*) FROM highway.workflow_run WHERE continued_from = %s", task.task_id) == 0


def test_pause_then_continue_as_new_the_next_run_begins_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(meeting.asking(facade.pause, task.task_id, by="ann"), _continuing(task))
    following = _next(meeting, task.task_id)
    assert meeting.state(following) == "paused"
    assert meeting.now(meeting.asking(facade.resume, following)) == "pending"


def test_bulk_cancel_then_the_end_of_one_of_them_it_completes_and_the_others_are_cancelled(meeting: Meeting) -> None:
    task, other = meeting.taken(), meeting.asleep()
    done, result = meeting.blocked(_bulk(meeting, "cancel", task.task_id, other), writing(ending(task)))
    assert done == (sorted([task.task_id, other]), [])
    assert result.live == {task.task_id}
    assert (meeting.state(task.task_id), meeting.state(other)) == ("completed", "cancelled")


def test_the_end_of_a_run_then_bulk_cancel_it_is_passed_by(meeting: Meeting) -> None:
    task, other = meeting.taken(), meeting.asleep()
    _, done = meeting.blocked(writing(ending(task)), _bulk(meeting, "cancel", task.task_id, other))
    assert done == ([other], [task.task_id])


def test_bulk_pause_then_bulk_cancel_the_paused_runs_are_cancelled(meeting: Meeting) -> None:
    runs = sorted(meeting.asleep() for _ in range(3))
    paused, cancelled = meeting.blocked(_bulk(meeting, "pause", *runs), _bulk(meeting, "cancel", *runs))
    assert (paused[0], cancelled[0]) == (runs, runs)
    assert {meeting.state(run) for run in runs} == {"cancelled"}


def test_bulk_purge_then_restart_of_one_of_them_there_is_nothing_to_restart(meeting: Meeting) -> None:
    runs = sorted(meeting.failed() for _ in range(2))
    done, error = meeting.blocked(_bulk(meeting, "purge", *runs), meeting.asking(facade.restart, runs[0]))
    assert done[0] == runs
    assert isinstance(error, NotFoundError)


def test_a_wait_that_is_registered_then_bulk_pause_the_sleeper_is_paused(meeting: Meeting) -> None:
    task = meeting.taken()
    meeting.blocked(writing(suspending(task)), _bulk(meeting, "pause", task.task_id))
    assert meeting.state(task.task_id) == "paused"


def _next(meeting: Meeting, run: UUID) -> UUID:
    found: UUID = meeting.value("SELECT continued_to FROM highway.workflow_run WHERE workflow_run_id = %s", run)
    return found


def _failed_singleton(meeting: Meeting) -> UUID:
    task = meeting.taken(flow=SINGLE)
    meeting.now(writing(TaskWrites(task, exit=Finished("failed", error=ERROR.to_json()))))
    return task.task_id


def _submitting(meeting: Meeting) -> Act:
    return lambda connection: start(connection, meeting.tenant, queue=str(meeting.tenant), flow=SINGLE)


def test_a_submission_then_a_restart_under_its_key_the_restart_is_refused(meeting: Meeting) -> None:
    run = _failed_singleton(meeting)
    other, error = meeting.blocked(_submitting(meeting), meeting.asking(facade.restart, run))
    assert isinstance(error, StateError)
    assert str(other) in str(error)
    assert meeting.state(run) == "failed"


def test_a_restart_then_a_submission_under_its_key_the_submission_is_the_restarted_run(meeting: Meeting) -> None:
    run = _failed_singleton(meeting)
    assert meeting.blocked(meeting.asking(facade.restart, run), _submitting(meeting)) == ("pending", run)
    assert meeting.state(run) == "pending"
