"""Checks of the operations over many runs: tasks, monitoring, statistics, analytics, system, idempotency."""

from __future__ import annotations

import time
from typing import Any

from tests.integration.api.definitions import SAY_HELLO
from tests.integration.clients.operations_table import Cast, covers

QUEUE = "GET /api/v1/analytics/queues/{queue_name}"
FORGET = "DELETE /api/v1/idempotency/{idempotency_key}"


@covers("GET /api/v1/tasks")
def list_tasks(cast: Cast) -> None:
    sleeping = cast.owner.call("GET /api/v1/tasks", state="sleeping", queue="default")["tasks"]
    assert cast.world.waiting in [task["task_id"] for task in sleeping]
    assert {(task["state"], task["queue"]) for task in sleeping} == {("sleeping", "default")}
    everything = cast.owner.call("GET /api/v1/tasks", page_size=200)["tasks"]
    of_story = {task["kind"] for task in everything if task["workflow_run_id"] == cast.world.story}
    assert of_story == {"workflow", "branch", "activity"}
    walked: list[str] = []
    cursor: dict[str, Any] = {}
    while cursor is not None:
        page = cast.owner.call("GET /api/v1/tasks", state="completed,failed", page_size=2, **cursor)
        walked += [task["task_id"] for task in page["tasks"]]
        following = page["pagination"]["next_cursor"]
        cursor = {"cursor": following} if following else None  # type: ignore[assignment]
    ended = [task["task_id"] for task in everything if task["state"] in {"completed", "failed"}]
    assert [task_id for task_id in walked if task_id in ended] == ended
    assert len(walked) == len(set(walked))
    assert cast.owner.call("GET /api/v1/tasks", state="asleep", answers=422)["code"] == "invalid_request"


@covers("GET /api/v1/tasks/summary")
def summarize_tasks(cast: Cast) -> None:
    summary = cast.owner.call("GET /api/v1/tasks/summary")
    assert summary["by_state"]["failed"] >= 1
    assert summary["by_queue"]["default"]["sleeping"] >= 1
    assert summary["total"] == sum(sum(states.values()) for states in summary["by_queue"].values())


@covers("GET /api/v1/tasks/{task_id}")
def show_task(cast: Cast) -> None:
    task = cast.owner.call("GET /api/v1/tasks/{task_id}", cast.world.story)
    assert (task["kind"], task["state"], task["workflow_name"]) == ("workflow", "completed", "story")
    assert [attempt["step_name"] for attempt in task["attempts"]] == ["flaky"]
    assert "say" in [row["step_name"] for row in task["checkpoints"]]
    assert "left_step" not in [row["step_name"] for row in task["checkpoints"]]
    unknown = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"
    assert cast.owner.refused("GET /api/v1/tasks/{task_id}", unknown) == (404, "not_found")


@covers("GET /api/v1/monitoring/live")
def watch_live(cast: Cast) -> None:
    deadline = time.monotonic() + 20
    while True:
        tasks = cast.owner.call("GET /api/v1/monitoring/live", minutes=5)["tasks"]
        busy = [task for task in tasks if task["workflow_run_id"] == cast.world.busy]
        if busy and busy[0]["step_name"]:
            break
        assert time.monotonic() < deadline, tasks
        time.sleep(0.1)
    assert (busy[0]["step_name"], busy[0]["tool_name"], busy[0]["status"]) == ("long", "tools.shell.run", "RUNNING")
    assert busy[0]["worker_id"]
    assert cast.world.story not in [task["workflow_run_id"] for task in tasks]


@covers("GET /api/v1/workflows/stats", "GET /api/v1/logs/stats")
def show_statistics(cast: Cast) -> None:
    story = cast.owner.call("GET /api/v1/workflows/stats", workflow_name="story", hours=1)
    assert (story["total_workflows"], story["status_breakdown"], story["success_rate"]) == (1, {"completed": 1}, 1.0)
    assert story["p50_duration_seconds"] == story["p99_duration_seconds"] == story["total_duration_seconds"] > 0
    failing = cast.owner.call("GET /api/v1/workflows/stats", workflow_name="failing")
    assert (failing["success_rate"], sum(failing["failures_by_kind"].values())) == (0.0, 1)
    past = cast.owner.call("GET /api/v1/workflows/stats", until="2020-01-02T00:00:00", since="2020-01-01T00:00:00Z")
    assert (past["total_workflows"], past["success_rate"], past["avg_duration_seconds"]) == (0, None, None)
    assert cast.owner.call("GET /api/v1/workflows/stats", since="2999-01-01", answers=422)["code"] == "invalid_request"
    logs = cast.owner.call("GET /api/v1/logs/stats", workflow_name="story")
    assert logs["status_breakdown"] == {"success": 1, "failure": 0}
    assert logs["p50_duration_ms"] == round(story["p50_duration_seconds"] * 1000)
    assert logs["avg_event_count"] > 8


@covers("GET /api/v1/workflows/{workflow_run_id}/metrics")
def show_run_metrics(cast: Cast) -> None:
    metrics = cast.owner.call("GET /api/v1/workflows/{workflow_run_id}/metrics", cast.world.story)
    steps = cast.owner.call("GET /api/v1/workflows/{workflow_run_id}/steps", cast.world.story)
    assert metrics["step_count"] == steps["total_steps"]
    assert (metrics["status"], metrics["retry_count"], metrics["log_count"]) == ("completed", 1, 2)
    assert metrics["checkpoint_count"] >= metrics["step_count"]
    assert metrics["event_count"] > metrics["checkpoint_count"]
    assert metrics["duration_seconds"] > 0


@covers("GET /api/v1/analytics/events")
def show_timeline(cast: Cast) -> None:
    failed = cast.owner.call("GET /api/v1/analytics/events", event_type="step_failed,attempt_failed")["events"]
    assert {event["event_type"] for event in failed} == {"step_failed", "attempt_failed"}
    assert {event["workflow_run_id"] for event in failed} >= {cast.world.story, cast.world.failed}
    assert [event["seq"] for event in failed] == sorted((event["seq"] for event in failed), reverse=True)
    one = cast.owner.call("GET /api/v1/analytics/events", workflow_run_id=cast.world.failed, limit=5)["events"]
    assert {event["workflow_run_id"] for event in one} == {cast.world.failed}


@covers("GET /api/v1/analytics/performance")
def show_performance(cast: Cast) -> None:
    workflows = cast.owner.call("GET /api/v1/analytics/performance", days=1)["workflows"]
    by_name = {one["workflow_name"]: one for one in workflows}
    assert (by_name["story"]["completed"], by_name["story"]["success_rate"]) == (1, 1.0)
    assert (by_name["failing"]["failed"], by_name["failing"]["success_rate"]) == (1, 0.0)
    assert by_name["story"]["min_duration_seconds"] == by_name["story"]["max_duration_seconds"] > 0
    only = cast.owner.call("GET /api/v1/analytics/performance", workflow_name="story")["workflows"]
    assert [one["workflow_name"] for one in only] == ["story"]


@covers("GET /api/v1/analytics/queues", QUEUE)
def show_queues(cast: Cast) -> None:
    queues = {queue["queue_name"]: queue for queue in cast.owner.call("GET /api/v1/analytics/queues")["queues"]}
    default = queues["default"]
    assert (default["workers"], default["health"]) == (1, "healthy")
    assert default["sleeping"] >= 1
    assert default["ended_last_day"]["failed"] >= 1
    assert cast.owner.call(QUEUE, "default")["slots"] == default["slots"] > 0
    assert cast.owner.refused(QUEUE, "nobody-uses-it") == (404, "not_found")


@covers("GET /api/v1/analytics/tasks/distribution", "GET /api/v1/analytics/tasks/list")
def distribute(cast: Cast) -> None:
    distribution = cast.owner.call("GET /api/v1/analytics/tasks/distribution", days=1)
    assert distribution["by_state"]["completed"] >= 4  # the run, two branches, an activity
    assert distribution["by_queue"]["default"]["failed"] >= 1
    first = cast.owner.call("GET /api/v1/analytics/tasks/list", limit=1, status="completed")
    second = cast.owner.call("GET /api/v1/analytics/tasks/list", limit=1, offset=1, status="completed")
    behind = cast.owner.call(
        "GET /api/v1/analytics/tasks/list", limit=1, status="completed", cursor=first["next_cursor"]
    )
    assert first["has_more"] is True
    assert second["tasks"] == behind["tasks"] != first["tasks"]
    far = cast.owner.call("GET /api/v1/analytics/tasks/list", limit=1000, offset=1, answers=422)
    assert far["details"][0]["code"] == "too_far"


@covers("GET /api/v1/health", "GET /api/v1/version", "GET /api/v1/health/metrics")
def show_health(cast: Cast) -> None:
    assert cast.owner.call("GET /api/v1/health")["status"] == "healthy"
    assert cast.owner.call("GET /api/v1/version")["api_version"] == "1"
    told = cast.owner.call("GET /api/v1/health/metrics", interval="1 hour")
    metrics = told["metrics"]
    assert told["severity"] == "warning"  # one run has failed
    assert metrics["failures"]["failed_workflows"] >= 1
    assert metrics["workers"]["online"] == 1
    assert metrics["critical"] == {"severity": "ok", "lost_tasks": 0, "problem": ""}
    assert metrics["queues"]["depth"]["default"]["sleeping"] >= 1
    assert cast.owner.call("GET /api/v1/health/metrics", interval="a while", answers=422)["code"] == "invalid_request"


@covers(FORGET, "POST /api/v1/idempotency/reset-all")
def forget_keys(cast: Cast) -> None:
    def start(key: str) -> str:
        body = {"workflow_definition": SAY_HELLO, "delay_seconds": 3600}
        answer = cast.world.api.post("/api/v1/workflows", body, **{"X-Idempotency-Key": key})
        return str(answer.data["workflow_run_id"])

    first = start("once/more")
    assert start("once/more") == first
    assert cast.owner.call(FORGET, "once/more")["records_deleted"] == 1
    assert cast.owner.call(FORGET, "once/more")["records_deleted"] == 0
    second = start("once/more")
    assert second != first
    third = start("another")
    reset = cast.owner.call("POST /api/v1/idempotency/reset-all")
    assert (reset["records_deleted"] >= 2, reset["complete"]) == (True, True)
    fourth = start("another")
    assert fourth != third
    for run in (first, second, third, fourth):
        cast.world.api.post(f"/api/v1/workflows/{run}/cancel")
