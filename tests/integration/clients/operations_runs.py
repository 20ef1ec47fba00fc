"""Checks of the operations about single runs: workflows, runs, steps, signals, queries, logs."""

from __future__ import annotations

from tests.integration.clients.operations_table import Cast, covers

ONE = "/api/v1/workflows/{workflow_run_id}"
LOG = "GET /api/v1/logs/workflows/{workflow_run_id}"
TASK_LOG = f"{LOG}/tasks/{{task_id}}"


@covers("POST /api/v1/workflows", f"POST {ONE}/cancel", f"POST {ONE}/retry")
def submit_cancel_and_retry(cast: Cast) -> None:
    definition = cast.world.api.get(f"/api/v1/workflows/{cast.world.waiting}").data["definition_id"]
    started = cast.owner.call("POST /api/v1/workflows", body={"definition_id": definition}, answers=201)
    run = started["workflow_run_id"]
    assert cast.owner.refused(f"POST {ONE}/retry", run) == (409, "conflict")
    assert cast.owner.call(f"POST {ONE}/cancel", run)["cancel_requested"] is True
    cast.world.api.wait_until(run)
    retried = cast.owner.call(f"POST {ONE}/retry", run)
    assert retried["original_workflow_run_id"] == run
    cast.owner.call(f"POST {ONE}/cancel", retried["new_workflow_run_id"], body={"reason": "enough"})
    assert cast.world.api.wait_until(retried["new_workflow_run_id"])["cancel_reason"] == "enough"


@covers("GET /api/v1/workflows", "GET /api/v1/runs")
def list_runs(cast: Cast) -> None:
    failed = cast.owner.call("GET /api/v1/workflows", workflow_name="failing")["workflows"]
    assert [run["workflow_run_id"] for run in failed] == [cast.world.failed]
    told = cast.owner.call("GET /api/v1/workflows", tag="told")["workflows"]
    assert [run["workflow_run_id"] for run in told] == [cast.world.story]
    page = cast.owner.call("GET /api/v1/runs", page_size=1, page=2)
    assert (page["count"], page["pagination"]["has_more"]) == (1, True)
    sleeping = cast.owner.call("GET /api/v1/runs", state="sleeping")["runs"]
    assert cast.world.waiting in [run["workflow_run_id"] for run in sleeping]
    assert {run["status"] for run in sleeping} == {"sleeping"}


@covers(f"GET {ONE}", "GET /api/v1/runs/{run_id}")
def show_run(cast: Cast) -> None:
    failed = cast.owner.call(f"GET {ONE}", cast.world.failed)
    assert (failed["status"], failed["failed_step"]) == ("failed", "broken")
    waiting = cast.owner.call("GET /api/v1/runs/{run_id}", cast.world.waiting)
    assert [reason["code"] for reason in waiting["why_waiting"]] == ["event"]
    unknown = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"
    assert cast.owner.refused(f"GET {ONE}", unknown) == (404, "not_found")


@covers(f"GET {ONE}/checkpoints", "GET /api/v1/runs/{run_id}/checkpoints")
def list_checkpoints(cast: Cast) -> None:
    checkpoints = cast.owner.call(f"GET {ONE}/checkpoints", cast.world.story)["checkpoints"]
    outcomes = {(row["scope"], row["step_name"]): row["outcome"] for row in checkpoints}
    assert outcomes["", "say"] == outcomes["", "join"] == outcomes["", "acted"] == "succeeded"
    assert {step for scope, step in outcomes if scope} >= {"left_step", "right_step"}
    assert cast.owner.call("GET /api/v1/runs/{run_id}/checkpoints", cast.world.story)["checkpoints"] == checkpoints


@covers(f"GET {ONE}/events")
def list_events(cast: Cast) -> None:
    events = cast.owner.call(f"GET {ONE}/events", cast.world.story)["events"]
    kinds = [event["event_type"] for event in events]
    assert "attempt_failed" in kinds
    assert kinds.count("step_succeeded") >= 8
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert cast.owner.call(f"GET {ONE}/events", cast.world.story, limit=2)["count"] == 2


@covers(f"GET {ONE}/graph", f"GET {ONE}/graph/dot")
def draw(cast: Cast) -> None:
    graph = cast.owner.call(f"GET {ONE}/graph", cast.world.story)
    assert graph["workflow_name"] == "story"
    assert all(step in graph["graph"] for step in ("say", "left_step", "join"))
    dot = cast.owner.call(f"GET {ONE}/graph/dot", cast.world.story)["dot"]
    assert dot.startswith("digraph")
    assert "right_step" in dot


@covers(f"GET {ONE}/steps", f"GET {ONE}/steps/{{step_name}}")
def list_steps(cast: Cast) -> None:
    steps = cast.owner.call(f"GET {ONE}/steps", cast.world.story)
    assert steps["total_steps"] == steps["succeeded"] == len(steps["steps"])
    flaky = cast.owner.call(f"GET {ONE}/steps/{{step_name}}", cast.world.story, "flaky")
    assert (flaky["status"], flaky["attempt"], flaky["retry_count"]) == ("succeeded", 2, 1)
    assert [event["event_type"] for event in flaky["events"]] == ["attempt_failed"]
    broken = cast.owner.call(f"GET {ONE}/steps", cast.world.failed, status="failed")["steps"]
    assert [step["step_name"] for step in broken] == ["broken"]
    assert cast.owner.refused(f"GET {ONE}/steps/{{step_name}}", cast.world.story, "none") == (404, "not_found")


@covers(f"GET {ONE}/steps/logs", f"GET {ONE}/steps/{{step_name}}/logs")
def read_step_logs(cast: Cast) -> None:
    lines = cast.owner.call(f"GET {ONE}/steps/logs", cast.world.story)["logs"]
    assert {line["message"] for line in lines} == {"from the left", "from the right"}
    left = cast.owner.call(f"GET {ONE}/steps/logs", cast.world.story, step_name="left_step")["logs"]
    assert [line["message"] for line in left] == ["from the left"]
    right = cast.owner.call(f"GET {ONE}/steps/{{step_name}}/logs", cast.world.story, "right_step")
    assert [line["message"] for line in right["logs"]] == ["from the right"]
    said = cast.owner.call(f"GET {ONE}/steps/{{step_name}}/logs", cast.world.story, "say")
    assert (said["output_stdout"], said["output_stderr"]) == ("hello\n", "oops\n")
    assert cast.owner.refused(f"GET {ONE}/steps/{{step_name}}/logs", cast.world.story, "none") == (404, "not_found")


@covers(f"POST {ONE}/signals", f"GET {ONE}/signals")
def signal(cast: Cast) -> None:
    assert cast.owner.refused(f"POST {ONE}/signals", cast.world.waiting) == (422, "invalid_request")  # no body, no name
    for number in (1, 2):
        cast.owner.call(f"POST {ONE}/signals", cast.world.waiting, body={"signal_name": "news", "payload": number})
    signals = cast.owner.call(f"GET {ONE}/signals", cast.world.waiting)["signals"]
    assert [one["payload"] for one in signals if one["signal_name"] == "news"] == [1, 2]


@covers(f"GET {ONE}/query")
def query(cast: Cast) -> None:
    assert cast.owner.call(f"GET {ONE}/query", cast.world.story)["variables"] == {"answer": 42}
    one = cast.owner.call(f"GET {ONE}/query", cast.world.story, variable="answer", include_version="true")
    assert (one["value"], one["version"]) == (42, 1)
    everything = cast.owner.call(f"GET {ONE}/query", cast.world.story, all="true", include_version="true")
    assert everything["versions"] == {"answer": 1}
    missing = cast.owner.call(f"GET {ONE}/query", cast.world.story, variable="nothing", answers=404)
    assert missing["code"] == "not_found"


@covers("GET /api/v1/logs/workflows", LOG)
def read_run_logs(cast: Cast) -> None:
    ended = cast.owner.call("GET /api/v1/logs/workflows", limit=1000)["workflows"]
    by_run = {run["workflow_run_id"]: run for run in ended}
    assert (by_run[cast.world.story]["status"], by_run[cast.world.failed]["status"]) == ("success", "failure")
    assert cast.world.waiting not in by_run
    assert by_run[cast.world.story]["event_count"] > by_run[cast.world.failed]["event_count"] > 0
    failures = cast.owner.call("GET /api/v1/logs/workflows", status="failure", workflow_name="failing")["workflows"]
    assert [run["error_message"] is not None for run in failures] == [True]
    log = cast.owner.call(LOG, cast.world.story)
    assert {line["message"] for line in log["logs"]} == {"from the left", "from the right"}
    assert log["duration_ms"] > 0


@covers(TASK_LOG)
def read_task_log(cast: Cast) -> None:
    said = cast.owner.call(TASK_LOG, cast.world.story, "say")
    assert (said["status"], said["task_function"], said["output_return_code"]) == ("success", "tools.shell.run", 0)
    assert (said["output_stdout"], said["output_stderr"]) == ("hello\n", "oops\n")
    left = cast.owner.call(TASK_LOG, cast.world.story, "left_step")
    assert [line["message"] for line in left["logs"]] == ["from the left"]
    broken = cast.owner.call(TASK_LOG, cast.world.failed, "broken")
    assert (broken["status"], bool(broken["error_message"])) == ("failure", True)
    assert cast.owner.refused(TASK_LOG, cast.world.story, "none") == (404, "not_found")
