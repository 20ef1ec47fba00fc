"""Activities: their queue, their limits, their heartbeats, their ends."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from engine import facade
from engine.db.connection import connect
from tests.support.activities import BEATING, activity_of, kinds_of, wait_for_activity, with_activity
from tests.support.forking import Forked
from tests.support.runs import scalar
from tests.support.workers import Workers

AT_ONCE = {"max_retries": 2, "delay": 0.05, "backoff_factor": 1.0}


def test_a_worker_of_the_defaults_serves_runs_and_their_activities(workers: Workers) -> None:
    workers.start()
    run = workers.submit(with_activity("tools.shell.run", "printf done"))
    assert workers.finish(run).status == "completed"
    heard: Any = workers.result(run)["hear"]
    assert heard["status"] == "completed"
    assert heard["result"]["stdout"] == "done"
    activity = activity_of(workers, run)
    assert activity is not None
    assert (activity.queue, activity.function, activity.attempt) == ("default:activities", "tools.shell.run", 1)


def test_one_side_of_a_queue_can_be_served_alone_and_the_missing_worker_is_named(workers: Workers) -> None:
    workers.start(queues=["default:workflows"])
    run = workers.submit(with_activity("tools.shell.run", "true"))
    workers.wait(run, lambda seen: seen.status == "sleeping")
    with connect(workers.database.web) as connection:
        reasons = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(run))
    (missing,) = [reason.text for reason in reasons if reason.code == "no_worker"]
    assert "'default:activities'" in missing
    workers.start(queues=["default:activities"])
    assert workers.finish(run).status == "completed"
    activity = activity_of(workers, run)
    assert activity is not None
    with connect(workers.database.web) as connection:
        names = {worker.worker_id: worker.queues for worker in facade.workers(connection)}
    assert activity.worker_id is not None
    assert names[activity.worker_id] == ["default:activities"]


def test_an_activity_can_name_its_queue_in_the_metadata_that_the_builder_writes(workers: Workers) -> None:
    workers.start()
    run = workers.submit(with_activity("tools.shell.run", "true", metadata={"queue": "gpu"}))
    activity = wait_for_activity(workers, run, lambda seen: seen.state == "pending")
    assert activity.queue == "gpu:activities"
    workers.start(queues=["gpu"])
    assert workers.finish(run).status == "completed"


def test_long_activities_leave_slots_to_steps(workers: Workers) -> None:
    workers.start(slots=2)
    first = workers.submit(with_activity("tools.shell.run", "sleep 60", wait=False))
    wait_for_activity(workers, first, lambda seen: seen.state == "running")
    long = [workers.submit(with_activity("tools.shell.run", "sleep 60", wait=False)) for _ in range(2)]
    step = {"task_id": "only", "operator_type": "task", "function": "tools.shell.run", "args": ["true"]}
    short = workers.submit({"name": "short", "start_task": "only", "tasks": {"only": step}})
    assert workers.finish(short).status == "completed"
    states = [wait_for_activity(workers, run, lambda _: True).state for run in (first, *long)]
    assert states == ["running", "pending", "pending"], "what waits for a slot can be claimed by others"


def test_an_attempt_past_start_to_close_fails_and_the_policy_decides(workers: Workers) -> None:
    workers.start()
    policy = AT_ONCE | {"max_retries": 1}
    slow = with_activity("tools.shell.run", "sleep 30", start_to_close_timeout=0.3, retry_policy=policy)
    run = workers.submit(slow)
    assert workers.finish(run).status == "failed"
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.error is not None
    assert (activity.state, activity.attempt, activity.error["kind"]) == ("failed", 2, "timeout")
    assert kinds_of(workers, run).count("attempt_failed") == 1
    heard: Any = workers.result(run)["hear"]
    assert heard["status"] == "failed", "whoever listens for the completion event is told how it ended"


def test_silence_longer_than_the_heartbeat_limit_fails_the_attempt_and_the_next_one_goes_on_from_the_details(
    workers: Workers,
) -> None:
    workers.start()
    command = '[ "$HIGHWAY_ATTEMPT" = 2 ] || sleep 60'
    silent = with_activity("tests.beat_then_run", command, heartbeat_timeout=5, retry_policy=AT_ONCE)
    run = workers.submit(silent)
    assert workers.finish(run).status == "completed"
    step = workers.steps(run)["work/work"]
    assert [(failed.attempt, failed.error["type"]) for failed in step.attempts] == [(1, "Heartbeat")]
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.attempt == 2
    first = {"about_to": command, "last_time": None}
    assert activity.details == {"about_to": command, "last_time": first}, "the second attempt was told of the first"


def test_details_survive_a_failure_and_every_attempt_is_counted(workers: Workers) -> None:
    workers.start()
    given = {"duration_seconds": 0.75, "interval_seconds": 0.1, "fail_after_seconds": 0.25}
    run = workers.submit(with_activity(BEATING, kwargs=given, retry_policy=AT_ONCE))
    assert workers.finish(run).status == "completed"
    result: Any = workers.steps(run)["work/work"].result
    assert result["attempt"] == 3
    assert result["resumed_at_seconds"] == pytest.approx(0.6)


def test_details_survive_a_killed_worker_and_the_attempt_is_not_spent(workers: Workers) -> None:
    first = workers.start()
    run = workers.submit(with_activity(BEATING, kwargs={"duration_seconds": 4, "interval_seconds": 0.1}))
    seen = wait_for_activity(workers, run, lambda seen: seen.details)
    workers.kill(first)
    workers.start()
    assert workers.finish(run).status == "completed"
    result: Any = workers.steps(run)["work/work"].result
    assert result["attempt"] == 1
    details: Any = seen.details
    assert result["resumed_at_seconds"] >= details["done_seconds"]


def test_a_worker_that_leaves_hands_the_details_on(workers: Workers) -> None:
    workers.start(grace_seconds=0.2)
    run = workers.submit(with_activity(BEATING, kwargs={"duration_seconds": 3, "interval_seconds": 0.05}))
    wait_for_activity(workers, run, lambda seen: seen.state == "running")
    wait_for_activity(workers, run, lambda seen: seen.heartbeats > 0)
    assert workers.stop() == [0]
    left = wait_for_activity(workers, run, lambda seen: seen.state == "pending")
    workers.start()
    assert workers.finish(run).status == "completed"
    result: Any = workers.steps(run)["work/work"].result
    details: Any = left.details
    assert result["resumed_at_seconds"] == details["done_seconds"] > 0


def test_heartbeats_are_kept_in_order_and_tell_people_where_the_work_stands(workers: Workers) -> None:
    workers.start()
    run = workers.submit(with_activity(BEATING, kwargs={"duration_seconds": 8, "interval_seconds": 0.05}))
    seen = wait_for_activity(workers, run, lambda seen: seen.heartbeats >= 2)
    assert seen.silent_seconds is not None
    assert seen.silent_seconds < 5
    assert seen.worker == "worker-0"
    workers.finish(run)
    activity = activity_of(workers, run)
    assert activity is not None
    with connect(workers.database.web) as connection:
        kept = facade.list_heartbeats(connection, tenant_id=workers.tenant, activity_id=activity.task_id)
    assert [beat.number for beat in kept] == list(range(len(kept), 0, -1))
    assert activity.duration_ms is not None
    most = activity.duration_ms / 1000 + 2
    assert len(kept) <= most, "they are written once a second, however often they are sent"
    told = [beat.details["done_seconds"] for beat in reversed(kept)]  # type: ignore[index,call-overload]
    assert told == sorted(told)
    assert activity.details == {"done_seconds": 8}, "the last one comes with the result"


def test_an_activity_that_nobody_begins_in_time_fails_and_is_not_tried_again(workers: Workers) -> None:
    workers.start(queues=["default:workflows"])
    late = with_activity("tools.shell.run", "true", schedule_to_start_timeout=0.2, retry_policy=AT_ONCE)
    run = workers.submit(late)
    assert workers.finish(run).status == "failed"
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.error is not None
    assert (activity.error["kind"], activity.error["type"]) == ("timeout", "ScheduleToStart")
    assert activity.attempt == 0
    heard: Any = workers.result(run)["hear"]
    assert heard["error"]["type"] == "ScheduleToStart"


def test_an_activity_that_began_in_time_is_not_ended_by_schedule_to_start(workers: Workers) -> None:
    workers.start()
    slow = with_activity("tools.shell.run", "sleep 2.5; echo late", schedule_to_start_timeout=1)
    run = workers.submit(slow)
    assert workers.finish(run).status == "completed"


def test_schedule_to_close_ends_everything_also_between_attempts(workers: Workers) -> None:
    workers.start()
    for command, policy in (("sleep 30", None), ("false", {"max_retries": 9, "delay": 60})):
        bounded = with_activity("tools.shell.run", command, schedule_to_close_timeout=1, retry_policy=policy)
        run = workers.submit(bounded)
        assert workers.finish(run).status == "failed"
        activity = activity_of(workers, run)
        assert activity is not None
        assert activity.error is not None
        assert activity.error["type"] == "ScheduleToClose"


def test_a_frozen_worker_loses_its_attempt_to_the_limit_long_before_its_lease_and_its_late_result_is_refused(
    workers: Workers,
) -> None:
    frozen = workers.start(lease_seconds=120)
    marker = workers.folder / "second"
    command = f"[ -e {marker} ] && echo second && exit; touch {marker}; sleep 6; echo first"
    slow = with_activity("tools.shell.run", command, heartbeat_timeout=1.5, retry_policy=AT_ONCE)
    run = workers.submit(slow)
    wait_for_activity(workers, run, lambda seen: seen.last_heartbeat_at)
    frozen.send_signal(signal.SIGSTOP)
    workers.start()
    assert workers.finish(run, seconds=60).status == "completed"
    assert "attempt_timed_out" in kinds_of(workers, run)
    step = workers.steps(run)["work/work"]
    assert [(failed.attempt, failed.error["type"]) for failed in step.attempts] == [(1, "Heartbeat")]
    ended = activity_of(workers, run)
    _thaw(workers, frozen)
    assert workers.steps(run)["work/work"] == step, "what the frozen worker still says changes nothing"
    now = activity_of(workers, run)
    assert ended is not None
    assert now is not None
    assert (now.state, now.attempt, now.result) == (ended.state, ended.attempt, ended.result)
    result: Any = step.result
    assert result["stdout"] == "second\n"


def test_an_activity_is_cancelled_alone_and_its_run_goes_on(workers: Workers) -> None:
    workers.start()
    definition = with_activity("tools.shell.run", "sleep 60", wait=False)
    tasks: Any = definition["tasks"]
    tasks["look"] = {
        "task_id": "look", "operator_type": "task", "function": "tools.workflow.wait_for_activity", "dependencies": ["work"],
        "kwargs": {"activity": "{{work}}"}, "on_failure_task_id": "clean",
    }  # fmt: skip
    tasks["clean"] = {"task_id": "clean", "operator_type": "task", "function": "tools.log.info", "args": ["sorry"]}
    tasks["end"] = {
        "task_id": "end", "operator_type": "task", "function": "tools.log.info", "args": ["on"], "dependencies": ["clean"],
    }  # fmt: skip
    run = workers.submit(definition)
    running = wait_for_activity(workers, run, lambda seen: seen.state == "running")
    with connect(workers.database.web) as connection:
        state = facade.cancel_activity(
            connection, tenant_id=workers.tenant, activity_id=running.task_id, reason="enough of it"
        )
    assert state == "running", "its worker ends it"
    assert workers.finish(run).status == "completed"
    ended = activity_of(workers, run)
    assert ended is not None
    assert ended.error is not None
    assert (ended.state, ended.error["message"]) == ("cancelled", "enough of it")


def test_a_workflow_can_cancel_its_activity(workers: Workers) -> None:
    workers.start()
    definition = with_activity("tools.shell.run", "sleep 60", wait=False)
    tasks: Any = definition["tasks"]
    tasks["stop"] = {
        "task_id": "stop", "operator_type": "task", "function": "tools.workflow.cancel_activity", "dependencies": ["work"],
        "kwargs": {"activity": "{{work}}"},
    }  # fmt: skip
    run = workers.submit(definition)
    assert workers.finish(run).status == "completed"
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.state == "cancelled"


def test_details_that_are_too_large_fail_the_attempt_and_not_the_worker(workers: Workers) -> None:
    process = workers.start()
    run = workers.submit(with_activity("tests.beat_then_run", "true " + "x" * 70_000, wait=False))
    ended = workers.finish(run)
    assert ended.status == "failed"
    activity = activity_of(workers, run)
    assert activity is not None
    assert activity.error is not None
    assert "64 KiB" in str(activity.error["message"])
    assert process.poll() is None


def _thaw(workers: Workers, frozen: Forked) -> None:
    """Let the first worker go on, and wait until it has said that it holds nothing any more."""
    with connect(workers.database.web) as connection:
        since = scalar(connection, "SELECT highway.now()")
        frozen.send_signal(signal.SIGCONT)
        until = time.monotonic() + 20
        while not any(
            worker.name == "worker-0" and worker.last_seen_at > since and worker.running == 0
            for worker in facade.workers(connection)
        ):
            assert time.monotonic() < until, workers.log()
            time.sleep(0.05)
