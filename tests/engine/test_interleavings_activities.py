"""Activities between two sessions: heartbeats, attempts that took too long, completions, cancels and rescues that meet.

Where the second has to wait, the server says so before the first commits; where it must never wait, it passes by and comes again.
"""

from __future__ import annotations

from engine import facade
from engine.db.errors import StateError
from engine.queue.commit import commit
from engine.queue.holdings import holdings
from tests.support.activity_scene import (
    ACTIVITIES,
    LATE,
    Scene,
    beat,
    blocked,
    committing,
    finish,
)
from tests.support.runs import WORKER, scalar, take


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


def test_cancel_then_heartbeat_which_passes_by_and_the_look_after_the_next_says_stop(scene: Scene) -> None:
    task = scene.begin(LATE)
    with scene.first.transaction():
        scene.cancel(scene.first)
        assert not beat(scene.observer, task).written
        assert [held.cancel_requested for held in holdings(scene.observer, WORKER)] == [False]
    ack = beat(scene.observer, task)
    assert (ack.written, ack.lost) == (True, False)
    assert [held.cancel_requested for held in holdings(scene.observer, WORKER)] == [True]


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


def test_rescue_then_claim_then_heartbeat_of_the_first_the_next_attempt_s_details_stay(scene: Scene) -> None:
    old = scene.begin(LATE)
    assert scene.rescue() == [scene.activity_id]
    (new,) = take(scene.database.worker, queues=ACTIVITIES)
    assert beat(scene.observer, new, done=7).written
    late = beat(scene.first, old, done=1)
    assert (late.lost, late.written) == (True, False)
    assert scene.details() == {"done": 7}


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
