"""Activities between two sessions: claims, retries, cancels and waits that meet the limits of an activity as a whole.

Where the second has to wait, the server says so before the first commits; where it must never wait, it passes by and comes again.
"""

from __future__ import annotations

from typing import Any

import psycopg

from engine import facade
from engine.db.errors import StateError
from engine.queue.claims import NO_TENANT, claim
from engine.queue.commit import commit
from engine.queue.writes import ForkWrite, TaskWrites
from tests.support.activity_scene import (
    ACTIVITIES,
    CLOSED,
    LATE,
    SLEEPS,
    UNBEGUN,
    Scene,
    beat,
    blocked,
    committing,
    fail,
    finish,
)
from tests.support.runs import WORKER, scalar, start, take, write


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
