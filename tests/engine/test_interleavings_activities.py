"""Activities between two sessions: heartbeats, limits, completions, cancels, claims, retries and rescues that meet.

Where the second has to wait, the server says so before the first commits; where it must never wait, it passes by and comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.db.queries import load
from engine.kit.ids import uuid7
from engine.model.activity import Ack, ActivityPlan, Beat
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.queue.claims import NO_TENANT, claim
from engine.queue.commit import commit
from engine.queue.heartbeats import report
from engine.queue.writes import Finished, ForkWrite, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, scalar, start, take, write

_sql = load("activity")
_workers = load("worker")
ACTIVITIES = ("default:activities",)
LATE = ActivityPlan("f", heartbeat=5.0)
UNBEGUN = ActivityPlan("f", schedule_to_start=0.0)
CLOSED = ActivityPlan("f", schedule_to_close=0.0)
SLEEPS = {"waits": [WaitWrite("hear", "event", event_name="work:over")], "exit": Suspended()}


@dataclass
class Scene:
    """A run whose own task sleeps until its one activity is over, and two sessions beside the one under test."""

    database: Database
    tenant: UUID
    first: psycopg.Connection[Any]
    observer: psycopg.Connection[Any]
    run: UUID = field(default_factory=uuid4)
    activity_id: UUID = field(default_factory=uuid7)

    def queue(self, plan: ActivityPlan, **parent: Any) -> None:
        self.run = start(self.observer, self.tenant)
        (parent_task,) = take(self.database.worker)
        fork = ForkWrite(self.activity_id, "work", "activity", [], {}, {}, "work:over", plan)
        write(self.database.worker, TaskWrites(parent_task, forks=[fork], **(parent or SLEEPS)))

    def begin(self, plan: ActivityPlan, silent: float = 100.0) -> ClaimedTask:
        """Queue it, claim it, and report that it has been silent for a while."""
        self.queue(plan)
        (task,) = take(self.database.worker, queues=ACTIVITIES)
        report(self.observer, [(task, Beat(1, silent))], WORKER)
        return task

    def second(self, work: Callable[[psycopg.Connection[Any]], Any]) -> Second:
        return Second(self.database.worker, work)

    def state(self) -> Any:
        return scalar(self.observer, "SELECT state FROM highway.task WHERE task_id = %s", self.activity_id)

    def parent_state(self) -> Any:
        return scalar(self.observer, "SELECT state FROM highway.task WHERE task_id = %s", self.run)

    def details(self) -> Any:
        return scalar(self.observer, "SELECT details FROM highway.activity WHERE task_id = %s", self.activity_id)

    def time_out(self, connection: psycopg.Connection[Any] | None = None) -> list[UUID]:
        rows = _sql.time_out.many(connection or self.observer, grace_seconds=0.0, quantity=10)
        return [row["task_id"] for row in rows]

    def expire(self, connection: psycopg.Connection[Any]) -> Any:
        row = _sql.expire.one(connection, tenant_id=self.tenant, task_id=self.activity_id)
        return row["limit"] if row else None

    def cancel(self, connection: psycopg.Connection[Any]) -> str:
        return facade.cancel_activity(connection, tenant_id=self.tenant, activity_id=self.activity_id, reason="enough")

    def rescue(self, connection: psycopg.Connection[Any] | None = None) -> list[UUID]:
        return [row["task_id"] for row in _workers.rescue.many(connection or self.observer, quantity=10)]


@pytest.fixture
def scene(database: Database, tenant: UUID) -> Iterator[Scene]:
    """At the end nothing is stuck and no rows contradict each other. What the test's worker holds is not counted: it has no process."""
    with connect(database.worker) as first, connect(database.worker) as observer:
        yield Scene(database, tenant, first, observer)
    found = problems(database.worker)
    assert [problem for problem in found if "its worker is gone" not in problem] == []


@contextmanager
def blocked(scene: Scene, work: Callable[[psycopg.Connection[Any]], Any]) -> Iterator[list[Any]]:
    """The second session; the block is left, and the first one commits, when it is seen to wait for the first. Then: its outcome."""
    outcome: list[Any] = []
    second: Second | None = None
    with scene.first.transaction():
        yield outcome
        second = scene.second(work)
        second.wait_until_blocked(scene.observer, by=scene.first)
    outcome.append(second.result())


def beat(connection: psycopg.Connection[Any], task: ClaimedTask, done: int = 1) -> Ack:
    (ack,) = report(connection, [(task, Beat(1, 100.0, 0.0, own=True, details=f'{{"done": {done}}}'))], WORKER)
    return ack


def finish(task: ClaimedTask) -> TaskWrites:
    return TaskWrites(task, exit=Finished("completed", result="done"))


def fail(task: ClaimedTask) -> TaskWrites:
    """An attempt failed, another follows in a minute."""
    error = StepError("tool", "no")
    return TaskWrites(task, waits=[WaitWrite("work", "retry", seconds=60, attempt=1, error=error)], exit=Suspended())


def committing(writes: TaskWrites) -> Callable[[psycopg.Connection[Any]], Any]:
    return lambda connection: commit(connection, [writes], WORKER)


def test_heartbeat_then_timeout_the_timeout_passes_by_and_finds_it_alive(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        assert beat(scene.first, task).written
        assert scene.time_out() == []
    assert scene.time_out() == []
    assert scene.state() == "running"


def test_timeout_then_heartbeat_the_heartbeat_passes_by_and_learns_that_its_claim_is_lost(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        assert scene.time_out(scene.first) == [scene.activity_id]
        assert not beat(scene.observer, task).written
    assert beat(scene.observer, task).lost
    assert scene.details() is None


def test_a_heartbeat_between_the_look_and_the_judgement_of_a_timeout_saves_the_attempt(scene: Scene) -> None:
    """1 the timeout sees a silent attempt and takes its task, 2 comes to its row while a heartbeat is being written, 3 judges it anew."""
    scene.begin(LATE)
    with blocked(scene, scene.time_out) as outcome:
        scene.first.execute("UPDATE highway.activity SET last_heartbeat_at = highway.now()")
    assert outcome == [[]]
    assert scene.state() == "running"


def test_complete_then_timeout_the_timeout_passes_by(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        commit(scene.first, [finish(task)], WORKER)
        assert scene.time_out() == []
    assert scene.time_out() == []
    assert scene.state() == "completed"


def test_timeout_then_complete_the_late_result_is_refused(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, committing(finish(task))) as outcome:
        scene.time_out(scene.first)
    assert outcome[0].stale == {scene.activity_id}
    assert scene.state() == "pending"
    assert scalar(scene.observer, "SELECT failed_attempt -> 'attempt' FROM highway.activity") == 1


def test_two_timeouts_at_once_fail_an_attempt_once(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        assert scene.time_out(scene.first) == [scene.activity_id]
        assert scene.time_out() == []
    assert scene.time_out() == []
    assert scalar(scene.observer, "SELECT epoch FROM highway.task WHERE task_id = %s", scene.activity_id) == 2


def test_cancel_then_complete_the_result_counts(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, committing(finish(task))) as outcome:
        assert scene.cancel(scene.first) == "running"
    assert outcome[0].live == {scene.activity_id}
    assert scene.state() == "completed", "it was done before it heard of the cancel"


def test_complete_then_cancel_the_cancel_is_refused(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, scene.cancel) as outcome:
        commit(scene.first, [finish(task)], WORKER)
    assert isinstance(outcome[0], StateError)
    assert scene.state() == "completed"


def test_two_cancels_at_once_the_first_reason_stays(scene: Scene) -> None:
    scene.queue(LATE)
    with blocked(scene, scene.cancel) as outcome:
        facade.cancel_activity(scene.first, tenant_id=scene.tenant, activity_id=scene.activity_id, reason="first")
    assert isinstance(outcome[0], StateError)
    assert scalar(scene.observer, "SELECT error ->> 'message' FROM highway.task WHERE kind = 'activity'") == "first"


def test_cancel_then_heartbeat_the_next_answer_says_stop(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        scene.cancel(scene.first)
        assert not beat(scene.observer, task).written
    ack = beat(scene.observer, task)
    assert (ack.written, ack.lost, ack.cancel_requested) == (True, False, True)


def test_heartbeat_then_cancel_the_cancel_waits_for_it(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, scene.cancel) as outcome:
        beat(scene.first, task)
    assert outcome == ["running"]
    assert scene.details() == {"done": 1}


def test_cancel_then_timeout_the_attempt_is_taken_and_the_next_claim_ends_it(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        scene.cancel(scene.first)
        assert scene.time_out() == []
    assert scene.time_out() == [scene.activity_id]
    (again,) = take(scene.database.worker, queues=ACTIVITIES)
    assert again.cancel_requested


def test_timeout_then_cancel_it_ends_at_once(scene: Scene) -> None:
    scene.begin(LATE)
    with blocked(scene, scene.cancel) as outcome:
        scene.time_out(scene.first)
    assert outcome == ["cancelled"]
    assert scene.parent_state() == "pending", "who waited for it is told"


def test_rescue_then_heartbeat_the_late_one_changes_nothing(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        assert scene.rescue(scene.first) == [scene.activity_id]
        assert not beat(scene.observer, task).written
    assert beat(scene.observer, task).lost
    assert scene.details() is None


def test_heartbeat_then_rescue_its_details_go_to_the_next_claim(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        beat(scene.first, task, done=7)
        assert scene.rescue() == []
    assert scene.rescue() == [scene.activity_id]
    assert scene.details() == {"done": 7}


def test_rescue_then_timeout_the_attempt_is_not_spent(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        scene.rescue(scene.first)
        assert scene.time_out() == []
    assert scene.time_out() == []
    assert scalar(scene.observer, "SELECT failed_attempt FROM highway.activity") is None


def test_timeout_then_rescue_the_attempt_is_spent_once(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        scene.time_out(scene.first)
        assert scene.rescue() == []
    assert scene.rescue() == []
    assert scalar(scene.observer, "SELECT rescues FROM highway.task WHERE task_id = %s", scene.activity_id) == 0


def test_claim_then_schedule_to_start_it_was_begun_in_time(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with blocked(scene, scene.expire) as outcome:
        claim(scene.first, worker_id=WORKER, queues=ACTIVITIES, quantity=1, after_tenant=NO_TENANT)
    assert outcome == [None]
    assert scene.state() == "running"


def test_schedule_to_start_then_claim_the_claim_passes_by(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with scene.first.transaction():
        assert scene.expire(scene.first) == "ScheduleToStart"
        assert take(scene.database.worker, queues=ACTIVITIES) == []
    assert take(scene.database.worker, queues=ACTIVITIES) == []
    assert scene.state() == "failed"


def test_two_expiries_at_once_end_it_once(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with blocked(scene, scene.expire) as outcome:
        assert scene.expire(scene.first) == "ScheduleToStart"
    assert outcome == [None]
    assert scalar(scene.observer, "SELECT count(*) FROM highway.journal WHERE kind = 'activity_timed_out'") == 1


def test_cancel_then_schedule_to_start_it_stays_cancelled(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with blocked(scene, scene.expire) as outcome:
        assert scene.cancel(scene.first) == "cancelled"
    assert outcome == [None]
    assert scene.state() == "cancelled"


def test_schedule_to_start_then_cancel_it_stays_failed(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with blocked(scene, scene.cancel) as outcome:
        scene.expire(scene.first)
    assert isinstance(outcome[0], StateError)
    assert scene.state() == "failed"


def test_schedule_to_close_then_complete_the_late_result_is_refused(scene: Scene) -> None:
    task = scene.begin(CLOSED)
    with blocked(scene, committing(finish(task))) as outcome:
        assert scene.expire(scene.first) == "ScheduleToClose"
    assert outcome[0].stale == {scene.activity_id}
    assert scene.state() == "failed"


def test_complete_then_schedule_to_close_the_result_counts(scene: Scene) -> None:
    task = scene.begin(CLOSED)
    with blocked(scene, scene.expire) as outcome:
        commit(scene.first, [finish(task)], WORKER)
    assert outcome == [None]
    assert scene.state() == "completed"


def test_retry_then_schedule_to_close_there_is_no_further_attempt(scene: Scene) -> None:
    task = scene.begin(CLOSED)
    with blocked(scene, scene.expire) as outcome:
        commit(scene.first, [fail(task)], WORKER)
    assert outcome == ["ScheduleToClose"]
    assert scene.state() == "failed"
    assert scalar(scene.observer, "SELECT count(*) FROM highway.wait WHERE task_id = %s", scene.activity_id) == 0


def test_retry_then_schedule_to_start_it_has_begun_however_short_that_was(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    (task,) = take(scene.database.worker, queues=ACTIVITIES)
    with blocked(scene, scene.expire) as outcome:
        commit(scene.first, [fail(task)], WORKER)
    assert outcome == [None]
    assert scene.state() == "sleeping"


def test_retry_then_cancel_it_ends_at_once_and_waits_for_nothing(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, scene.cancel) as outcome:
        commit(scene.first, [fail(task)], WORKER)
    assert outcome == ["cancelled"]
    assert scalar(scene.observer, "SELECT count(*) FROM highway.wait WHERE task_id = %s", scene.activity_id) == 0


def test_cancel_then_retry_it_is_claimable_at_once_to_be_ended(scene: Scene) -> None:
    task = scene.begin(LATE)
    with blocked(scene, committing(fail(task))) as outcome:
        scene.cancel(scene.first)
    assert outcome[0].live == {scene.activity_id}
    (again,) = take(scene.database.worker, queues=ACTIVITIES)
    assert again.cancel_requested


def test_expiry_then_wait_the_parent_finds_the_completion_event(scene: Scene) -> None:
    scene.run = start(scene.observer, scene.tenant)
    (parent,) = take(scene.database.worker)
    fork = ForkWrite(scene.activity_id, "work", "activity", [], {}, {}, "work:over", UNBEGUN)
    write(scene.database.worker, TaskWrites(parent, forks=[fork]))
    with blocked(scene, committing(TaskWrites(parent, **SLEEPS))) as outcome:
        scene.expire(scene.first)
    assert outcome[0].live == {scene.run}
    assert scene.parent_state() == "pending"


def test_wait_then_expiry_the_parent_is_woken(scene: Scene) -> None:
    scene.run = start(scene.observer, scene.tenant)
    (parent,) = take(scene.database.worker)
    fork = ForkWrite(scene.activity_id, "work", "activity", [], {}, {}, "work:over", UNBEGUN)
    write(scene.database.worker, TaskWrites(parent, forks=[fork]))
    with blocked(scene, scene.expire) as outcome:
        commit(scene.first, [TaskWrites(parent, **SLEEPS)], WORKER)
    assert outcome == ["ScheduleToStart"]
    assert scene.parent_state() == "pending"


def test_cancel_of_the_run_then_expiry_everything_is_cancelled(scene: Scene) -> None:
    scene.queue(UNBEGUN)
    with blocked(scene, scene.expire) as outcome:
        facade.cancel(scene.first, tenant_id=scene.tenant, workflow_run_id=scene.run)
    assert outcome == [None]
    assert (scene.state(), scene.parent_state()) == ("cancelled", "cancelled")


def test_expiry_then_cancel_of_the_run_what_failed_stays_failed(scene: Scene) -> None:
    scene.queue(UNBEGUN)

    def cancel_run(connection: psycopg.Connection[Any]) -> str:
        return facade.cancel(connection, tenant_id=scene.tenant, workflow_run_id=scene.run)

    with blocked(scene, cancel_run) as outcome:
        scene.expire(scene.first)
    assert outcome == ["cancelled"]
    assert (scene.state(), scene.parent_state()) == ("failed", "cancelled")


def test_a_heartbeat_that_is_being_written_is_not_cleaned_away(scene: Scene) -> None:
    task = scene.begin(LATE)
    beat(scene.observer, task)
    scene.observer.execute(
        "UPDATE highway.activity SET heartbeats = 0"
    )  # so that the next one takes the same place in the ring
    with scene.first.transaction():
        beat(scene.first, task, done=2)
        assert facade.forget_heartbeats(scene.observer, tenant_id=scene.tenant, keep_seconds=-1) == 0
    assert scalar(scene.observer, "SELECT details FROM highway.activity_heartbeat") == {"done": 2}
