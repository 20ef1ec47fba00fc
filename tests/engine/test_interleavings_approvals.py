"""Decisions that meet each other, the clock, and whatever ends or holds the run: the second is blocked before the first commits, then sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.facade.approvals import decide_by_token, issue_token
from engine.model.approvals import ApprovalView
from engine.queue.commit import commit
from engine.services.approvals import expire_approvals
from engine.services.deadlines import stop_expired_runs
from tests.support.approving import again, asked, asking, decide, question
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, step, take, write

Work = Callable[[psycopg.Connection[Any]], Any]


def _meet(database: Database, first_work: Work, second_work: Work) -> Any:
    """The first works in a transaction of its own; the second is seen to wait for it. Then the first commits: what becomes of the second."""
    with connect(database.web) as first, connect(database.worker) as observer:
        with first.transaction():
            first_work(first)
            second = Second(database.web, second_work)
            second.wait_until_blocked(observer, by=first)
        return second.result()


def _says(tenant: UUID, found: ApprovalView, vote: Any, by: str) -> Work:
    return lambda connection: decide(connection, tenant, found, vote, by)


def _does(what: Callable[..., Any], tenant: UUID, found: ApprovalView, **how: Any) -> Work:
    return lambda connection: what(connection, tenant_id=tenant, workflow_run_id=found.workflow_run_id, **how)


def _state(database: Database, tenant: UUID, found: ApprovalView) -> tuple[str, str]:
    """Of the question, and of the run that asks it."""
    with connect(database.worker) as connection:
        status = scalar(connection, "SELECT status FROM highway.workflow_run")
        return again(connection, tenant, found).state, status


@pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve"), ("approve", "approve")])
def test_of_two_decisions_the_first_wins(database: Database, tenant: UUID, first: str, second: str) -> None:
    found = asked(database, tenant)
    outcome = _meet(database, _says(tenant, found, first, "ann"), _says(tenant, found, second, "bob"))
    assert isinstance(outcome, StateError)
    word = "approved" if first == "approve" else "rejected"
    assert f"already {word} by ann" in str(outcome)
    assert _state(database, tenant, found) == (word, "pending")
    assert problems(database.worker) == []


def test_the_same_person_twice_at_once_is_one_vote(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(quorum=2))
    assert _meet(database, _says(tenant, found, "approve", "ann"), _says(tenant, found, "approve", "ann")) == "pending"
    assert _state(database, tenant, found) == ("pending", "sleeping")


def test_the_last_two_of_a_quorum_are_counted_one_after_the_other(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(quorum=2))
    assert _meet(database, _says(tenant, found, "approve", "ann"), _says(tenant, found, "approve", "bob")) == "approved"
    assert _state(database, tenant, found) == ("approved", "pending")


def test_who_decides_the_next_stage_sees_that_it_has_come(database: Database, tenant: UUID) -> None:
    found = asked(
        database, tenant, question(stages=[{"approvers": ["ann"], "quorum": 1}, {"approvers": ["bob"], "quorum": 1}])
    )
    assert _meet(database, _says(tenant, found, "approve", "ann"), _says(tenant, found, "approve", "bob")) == "approved"


def test_a_link_that_two_use_at_once_is_used_once(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(quorum=2))
    with connect(database.web) as connection:
        token = issue_token(connection, tenant_id=tenant, approval_id=found.approval_id, person="ann")

    def use(connection: psycopg.Connection[Any]) -> str:
        return decide_by_token(connection, tenant_id=tenant, token=token, vote="approve")

    outcome = _meet(database, use, use)
    assert isinstance(outcome, StateError)
    assert "used before" in str(outcome)
    with connect(database.worker) as connection:
        assert [vote.person for vote in again(connection, tenant, found).votes] == ["ann"]


def test_a_decision_under_way_when_its_time_passes_stands(database: Database, tenant: UUID) -> None:
    """Who ends what is overdue passes by a question that somebody holds."""
    found = asked(database, tenant)
    with connect(database.web) as first, connect(database.worker) as late:
        late.execute("SET highway.now_offset = '2 hours'")
        with first.transaction():
            decide(first, tenant, found, "approve", "ann")
            assert expire_approvals(late, uuid4()) == 0
        assert expire_approvals(late, uuid4()) == 0
    assert _state(database, tenant, found) == ("approved", "pending")


def test_a_decision_that_meets_the_end_of_its_time_comes_too_late(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)

    def expire(connection: psycopg.Connection[Any]) -> None:
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
        connection.execute("SET LOCAL highway.now_offset = '2 hours'")
        assert scalar(connection, "SELECT highway.expire_approval(%s, %s)", tenant, found.approval_id) is True

    outcome = _meet(database, expire, _says(tenant, found, "approve", "ann"))
    assert isinstance(outcome, StateError)
    assert "already expired" in str(outcome)
    assert _state(database, tenant, found) == ("expired", "pending")


@pytest.mark.parametrize("end", [facade.cancel, facade.kill])
def test_a_decision_that_meets_the_end_of_its_run_is_refused(database: Database, tenant: UUID, end: Any) -> None:
    found = asked(database, tenant)
    outcome = _meet(database, _does(end, tenant, found), _says(tenant, found, "approve", "ann"))
    assert isinstance(outcome, StateError)
    assert "already withdrawn" in str(outcome)
    assert _state(database, tenant, found) == ("withdrawn", "cancelled")
    assert problems(database.worker) == []


@pytest.mark.parametrize("end", [facade.cancel, facade.kill])
def test_the_end_of_a_run_that_meets_a_decision_leaves_it_decided(database: Database, tenant: UUID, end: Any) -> None:
    found = asked(database, tenant)
    _meet(database, _says(tenant, found, "approve", "ann"), _does(end, tenant, found))
    assert _state(database, tenant, found) == ("approved", "cancelled")
    assert problems(database.worker) == []


def test_a_deadline_that_meets_a_decision_ends_the_run_after_it(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    with connect(database.worker) as connection:
        connection.execute("UPDATE highway.workflow_run SET deadline_at = highway.now()")

    def stop(connection: psycopg.Connection[Any]) -> int:
        return stop_expired_runs(connection, uuid4())

    with connect(database.web) as first, connect(database.worker) as observer:
        with first.transaction():
            decide(first, tenant, found, "approve", "ann")
            second = Second(database.worker, stop)
            second.wait_until_blocked(observer, by=first)
        assert second.result() == 1
    assert _state(database, tenant, found) == ("approved", "failed")


def test_a_pause_that_meets_a_decision_keeps_the_run(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    _meet(database, _says(tenant, found, "approve", "ann"), _does(facade.pause, tenant, found))
    assert take(database.worker) == []
    assert _state(database, tenant, found) == ("approved", "paused")
    _resumes(database, tenant, found)


def test_a_decision_that_meets_a_pause_is_kept_for_the_resume(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    assert _meet(database, _does(facade.pause, tenant, found), _says(tenant, found, "approve", "ann")) == "approved"
    assert take(database.worker) == []
    _resumes(database, tenant, found)


def _resumes(database: Database, tenant: UUID, found: ApprovalView) -> None:
    with connect(database.web) as connection:
        facade.resume(connection, tenant_id=tenant, workflow_run_id=found.workflow_run_id)
    assert problems(database.worker) == []
    assert [task.task_id for task in take(database.worker)] == [found.workflow_run_id]


@pytest.mark.parametrize("resumes_first", [True, False])
def test_a_resume_and_a_decision_wake_the_run_in_any_order(
    database: Database, tenant: UUID, resumes_first: bool
) -> None:
    found = asked(database, tenant)
    with connect(database.web) as connection:
        facade.pause(connection, tenant_id=tenant, workflow_run_id=found.workflow_run_id)
    both = _does(facade.resume, tenant, found), _says(tenant, found, "approve", "ann")
    first, second = both if resumes_first else both[::-1]
    _meet(database, first, second)
    assert problems(database.worker) == []
    assert [task.task_id for task in take(database.worker)] == [found.workflow_run_id]


def test_a_claim_passes_by_what_is_being_decided(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    with connect(database.web) as first:
        with first.transaction():
            decide(first, tenant, found, "approve", "ann")
            assert take(database.worker) == [], "a claim never waits for a lock"
        assert [task.task_id for task in take(database.worker)] == [found.workflow_run_id]


def test_a_step_that_commits_while_its_neighbour_is_decided_goes_through(database: Database, tenant: UUID) -> None:
    """The run is executed, for one step of it waits for people and another works."""
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, _open(asking(task)))
        (found,) = facade.approvals_of_run(connection, tenant_id=tenant, workflow_run_id=run)
    with connect(database.web) as first, connect(database.worker) as observer:
        with first.transaction():
            assert decide(first, tenant, found, "approve", "ann") == "approved"
            second = Second(database.worker, lambda c: commit(c, [step(task, "other")], WORKER))
            second.wait_until_blocked(observer, by=first)
        assert second.result().live == {run}
        assert scalar(observer, "SELECT given ->> 'status' FROM highway.wait") == "approved"


def _open(writes: Any) -> Any:
    """The same, and the task goes on."""
    writes.exit = None
    return writes


def test_a_cancel_that_meets_the_question_withdraws_it(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            commit(first, [asking(task)], WORKER)
            second = Second(database.web, lambda c: facade.cancel(c, tenant_id=tenant, workflow_run_id=run))
            second.wait_until_blocked(observer, by=first)
        second.result()
        (found,) = facade.approvals_of_run(observer, tenant_id=tenant, workflow_run_id=run)
    assert _state(database, tenant, found) == ("withdrawn", "cancelled")


def test_a_question_that_meets_a_kill_is_never_asked(database: Database, tenant: UUID) -> None:
    with connect(database.web) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            facade.kill(first, tenant_id=tenant, workflow_run_id=run)
            second = Second(database.worker, lambda c: commit(c, [asking(task)], WORKER))
            second.wait_until_blocked(observer, by=first)
        assert second.result().stale == {run}
        assert facade.approvals_of_run(observer, tenant_id=tenant, workflow_run_id=run) == []
