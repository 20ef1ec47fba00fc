"""Activities over real HTTP with a real worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import WITH_ACTIVITY, task, workflow

BEATING = "tools.long_running.execute_with_heartbeat"


def activity(function: str, *args: Any, **more: Any) -> dict[str, Any]:
    limits = {name: more.pop(name) for name in list(more) if name.endswith("_timeout") or name == "queue"}
    return workflow(
        {**task("work", function, *args, **more), "operator_type": "activity", **limits}, name="with_activity"
    )


def activity_of(client: Client, run_id: str, until: Callable[[dict[str, Any]], Any] = bool) -> dict[str, Any]:
    """The one activity of the run, once it is as it should be."""
    deadline = time.monotonic() + 40
    while True:
        found = client.get(f"/api/v1/workflows/{run_id}/activities").data["activities"]
        if found and until(found[0]):
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@pytest.fixture(scope="module")
def beaten(owner: Client) -> dict[str, Any]:
    """An activity that has ended after some heartbeats."""
    run_id = owner.submit(activity(BEATING, duration_seconds=8, interval_seconds=0.1))
    running = activity_of(owner, run_id, lambda one: one["heartbeat_count"] > 0)
    assert running["status"] == "running"
    assert running["heartbeat_age_seconds"] < 10
    assert running["worker_name"]
    assert owner.wait_until(run_id, seconds=60)["status"] == "completed"
    return activity_of(owner, run_id)


def test_an_activity_shows_what_it_was_given_gave_and_said(owner: Client, beaten: dict[str, Any]) -> None:
    shown = owner.get(f"/api/v1/activities/{beaten['activity_id']}").data
    assert (shown["status"], shown["attempt"], shown["max_attempts"]) == ("completed", 1, 1)
    assert shown["parameters"]["kwargs"]["duration_seconds"] == 8
    assert shown["result"]["attempt"] == 1
    assert shown["function_name"] == BEATING
    assert shown["heartbeat_details"] == {"done_seconds": pytest.approx(8)}
    assert shown["heartbeats"][0]["details"]["done_seconds"] > 0
    beats = owner.get(f"/api/v1/activities/{beaten['activity_id']}/heartbeats?limit=1").data
    assert beats["count"] == 1


def test_activities_are_filtered_and_paged_by_cursor(owner: Client, beaten: dict[str, Any]) -> None:
    for _ in range(2):
        owner.wait_until(owner.submit(activity("tools.log.info", "quick")))
    everything = owner.get("/api/v1/activities?status=completed").data["activities"]
    first = owner.get("/api/v1/activities?status=completed&limit=2").data
    second = owner.get(f"/api/v1/activities?status=completed&cursor={first['pagination']['next_cursor']}").data
    assert [one["activity_id"] for one in (*first["activities"], *second["activities"])] == [
        one["activity_id"] for one in everything
    ]
    by_offset = owner.get("/api/v1/activities?status=completed&limit=1&offset=1").data["activities"]
    assert by_offset == everything[1:2]
    by_function = owner.get("/api/v1/activities?function_name=with_heartbeat").data["activities"]
    assert [one["activity_id"] for one in by_function] == [beaten["activity_id"]]
    by_worker = owner.get(f"/api/v1/activities?worker_id={beaten['worker_id']}").data["activities"]
    assert beaten["activity_id"] in [one["activity_id"] for one in by_worker]
    assert owner.get("/api/v1/activities?status=lost").code == "invalid_request"


def test_a_run_lists_its_open_activities_alone_when_asked_to(owner: Client, beaten: dict[str, Any]) -> None:
    path = f"/api/v1/workflows/{beaten['workflow_run_id']}/activities"
    assert owner.get(path).data["count"] == 1
    assert owner.get(f"{path}?include_completed=false").data["count"] == 0


def test_a_waiting_activity_says_that_nobody_serves_its_queue_and_is_cancelled_alone(owner: Client) -> None:
    run_id = owner.submit(WITH_ACTIVITY)
    run = owner.wait_until(run_id, {"sleeping"})
    (missing,) = [reason["text"] for reason in run["why_waiting"] if reason["code"] == "no_worker"]
    assert "'nobodys:activities'" in missing
    pending = activity_of(owner, run_id)
    assert (pending["status"], pending["queue"]) == ("pending", "nobodys:activities")
    path = f"/api/v1/activities/{pending['activity_id']}/cancel"
    answers = [owner.post(path, {"reason": "enough"}, **{"X-Idempotency-Key": run_id}) for _ in range(2)]
    assert answers[0].raw == answers[1].raw
    assert answers[0].data["status"] == "cancelled"
    assert owner.post(path).code == "conflict"
    assert owner.get(f"/api/v1/workflows/{run_id}").data["status"] == "sleeping", "the run goes on"
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_a_silent_activity_is_stale_and_its_worker_is_named(owner: Client) -> None:
    given = {"duration_seconds": 60, "interval_seconds": 0.1, "silent_after_seconds": 0.1}
    run_id = owner.submit(activity(BEATING, **given))
    running = activity_of(owner, run_id, lambda one: one["status"] == "running" and one["heartbeat_age_seconds"] > 0.5)
    stale = owner.get("/api/v1/activities/stale?threshold=0.5").data
    assert running["activity_id"] in [one["activity_id"] for one in stale["activities"]]
    assert owner.get("/api/v1/activities/stale").data["count"] == 0
    status = owner.get("/api/v1/activities/status?stale_threshold=0.5").data
    busy = {worker["worker_id"]: worker["activities"] for worker in status["workers"]}
    assert [one["activity_id"] for one in busy[running["worker_id"]]] == [running["activity_id"]]
    assert status["queue_summary"]["running"] == 1
    assert status["stale_count"] == 1
    owner.post(f"/api/v1/workflows/{run_id}/cancel")
    owner.wait_until(run_id)


def test_what_an_activity_logged_is_found_by_its_run(owner: Client) -> None:
    run_id = owner.submit(activity("tools.log.warning", "mind the gap"))
    owner.wait_until(run_id)
    listed = owner.get(f"/api/v1/logs/workflows/{run_id}/activities?include_logs=true").data
    assert listed["summary"] == {"total_activities": 1, "completed": 1, "failed": 0}
    (one,) = listed["activities"]
    assert one["log_level_counts"] == {"WARNING": 1}
    assert one["captured_logs"][0]["msg"] == "mind the gap"
    shown = owner.get(f"/api/v1/logs/workflows/{run_id}/activities/{one['activity_id']}").data
    assert shown["captured_logs"] == one["captured_logs"]
    other = owner.submit(activity("tools.log.info", "x"))
    assert owner.get(f"/api/v1/logs/workflows/{other}/activities/{one['activity_id']}").status == 404
    recent = owner.get("/api/v1/logs/activities?limit=1").data
    assert recent["total"] == 1


def test_heartbeats_are_cleaned_up_by_age(owner: Client, stranger: Client, beaten: dict[str, Any]) -> None:
    path = "/api/v1/activities/cleanup-heartbeats"
    assert owner.post(path).data["deleted_count"] == 0, "none is a day old"
    assert stranger.post(path, {"retention_hours": 0}).data["deleted_count"] == 0, "others' are not theirs to delete"
    assert owner.post(path, {"retention_hours": 0}).data["deleted_count"] > 0
    assert owner.get(f"/api/v1/activities/{beaten['activity_id']}/heartbeats").data["count"] == 0
