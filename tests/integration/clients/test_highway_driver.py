"""`highway` 0.9.1: its Driver submits a workflow, waits by polling every five seconds, and reads the result."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.integration.api.client import Client
from tests.integration.clients.environment import DriverProgram


def finished(api: Client, said: dict[str, Any]) -> dict[str, Any]:
    assert said["state"] == "COMPLETED", (said, api.get(f"/api/v1/workflows/{said['run_id']}").json)
    return api.get(f"/api/v1/workflows/{said['run_id']}").data["result"]


def executions(api: Client, run_id: str) -> Counter[str]:
    return Counter(step["task_id"] for step in api.get(f"/api/v1/workflows/{run_id}/steps").data["steps"])


def test_shell_python_and_tool_tasks_pass_results_on(api: Client, driver_program: DriverProgram) -> None:
    said = driver_program.run("kinds")
    result = finished(api, said)
    assert result["speak"]["stdout"].strip() == "spoken"
    logs = api.get(f"/api/v1/workflows/{said['run_id']}").data["logs"]
    assert [line["message"].strip() for line in logs] == ["total 10 after spoken"]


def test_durable_functions_are_uploaded_and_run_with_a_context(api: Client, driver_program: DriverProgram) -> None:
    said = driver_program.run("durable")
    result = finished(api, said)
    assert (result["remember"], result["answer"]) == ({"number": 42}, {"plain": True})
    (used,) = api.get(f"/api/v1/workflows/{said['run_id']}/code").data["code"]
    assert api.get(f"/api/v1/artifacts/{used['artifact_id']}").raw.startswith(b"PK")


@pytest.mark.parametrize(("program", "body"), [("each", "visit_body"), ("rounds", "turn_body")])
def test_loops_run_their_body_three_times(api: Client, driver_program: DriverProgram, program: str, body: str) -> None:
    said = driver_program.run(program)
    finished(api, said)
    assert executions(api, said["run_id"])[body] == 3


def test_an_emitted_event_is_waited_for(api: Client, driver_program: DriverProgram) -> None:
    assert finished(api, driver_program.run("events"))["hear"] == {"answer": 42}


def test_a_delay_holds_the_task_back(api: Client, driver_program: DriverProgram) -> None:
    said = driver_program.run("delayed")
    finished(api, said)
    run = api.get(f"/api/v1/workflows/{said['run_id']}").data
    step = api.get(f"/api/v1/workflows/{said['run_id']}/steps/later").data
    waited = datetime.fromisoformat(step["started_at"]) - datetime.fromisoformat(run["created_at"])
    assert waited.total_seconds() >= 2


def test_a_failing_task_is_tried_again_and_then_fails_the_run(api: Client, driver_program: DriverProgram) -> None:
    said = driver_program.run("failing")
    assert (said["state"], bool(said["error"])) == ("FAILED", True)
    run_id = api.get("/api/v1/workflows?workflow_name=failing").data["workflows"][0]["workflow_run_id"]
    step = api.get(f"/api/v1/workflows/{run_id}/steps/broken").data
    assert (step["status"], step["attempt"]) == ("failed", 3)


def test_inputs_reach_the_tasks(api: Client, driver_program: DriverProgram) -> None:
    assert finished(api, driver_program.run("with_inputs"))["greet"]["stdout"] == "hello world\n"


def test_an_http_task_cannot_reach_our_own_machine(api: Client, driver_program: DriverProgram) -> None:
    """Its arguments are read as the driver writes them; what stops it is the guard against inner addresses."""
    said = driver_program.run("reaching_in", f"{api.url}/ping")
    assert said["state"] == "FAILED"
    run_id = api.get("/api/v1/workflows?workflow_name=reaching_in").data["workflows"][0]["workflow_run_id"]
    assert "127.0.0.1" in str(api.get(f"/api/v1/workflows/{run_id}/steps/fetch").data["error"])


def test_without_waiting_a_run_can_be_asked_for_and_cancelled(driver_program: DriverProgram) -> None:
    assert driver_program.run("asynchronous")["state"] == "SUBMITTED"
