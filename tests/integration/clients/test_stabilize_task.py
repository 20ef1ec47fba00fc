"""`stabilize` 0.33: its HighwayTask submits with a deterministic key, polls, and recovers from a lost answer by the 409."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from stabilize.models.status import WorkflowStatus
from stabilize.tasks.highway import HighwayTask
from stabilize.tasks.result import TaskResult

from tests.integration.api.client import Client
from tests.integration.api.definitions import SAY_HELLO, task, workflow


def make_stage(api: Client, definition: dict[str, Any], *, stage_id: str, **context: Any) -> Any:
    """What the task looks at of a stage: its ids and its context."""
    return SimpleNamespace(
        id=stage_id,
        execution=SimpleNamespace(id="execution-1"),
        outputs={},
        ancestors=list,
        context={
            "highway_workflow_definition": definition,
            "highway_inputs": {},
            "highway_api_endpoint": api.url,
            "highway_api_key": api.key,
            **context,
        },
    )


def run_to_the_end(stage: Any) -> TaskResult:
    deadline = time.monotonic() + 30
    while True:
        result = HighwayTask().execute(stage)
        stage.context.update(result.context)
        if result.status is not WorkflowStatus.RUNNING:
            return result
        assert time.monotonic() < deadline, result
        time.sleep(0.1)


def test_it_submits_polls_and_brings_the_result(api: Client) -> None:
    result = run_to_the_end(make_stage(api, SAY_HELLO, stage_id="succeeds"))
    assert result.status is WorkflowStatus.SUCCEEDED
    assert result.outputs["highway_status"] == "completed"
    assert "hello" in result.outputs["highway_result"]


def test_a_failed_run_is_a_terminal_error_with_its_message(api: Client) -> None:
    failing = workflow(task("broken", "tools.shell.run", "exit 3"), name="breaks")
    result = run_to_the_end(make_stage(api, failing, stage_id="fails"))
    assert result.status is WorkflowStatus.TERMINAL
    assert "Highway workflow failed:" in str(result.context["error"])
    assert "{" not in str(result.context["error"])


def test_a_lost_answer_is_recovered_by_the_key(api: Client) -> None:
    first = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="lost"))
    again = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="lost"))
    assert first.context["highway_run_id"] == again.context["highway_run_id"]


def test_a_changed_body_is_recovered_by_the_conflict(api: Client) -> None:
    first = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="changed"))
    other = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="changed", highway_inputs={"n": 1}))
    assert other.status is WorkflowStatus.RUNNING
    assert other.context["highway_run_id"] == first.context["highway_run_id"]


@pytest.mark.parametrize(("key", "word"), [("hw_k1_" + "x" * 32, "authentication"), ("", "not configured")])
def test_a_wrong_key_ends_it(api: Client, key: str, word: str) -> None:
    result = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="no key", highway_api_key=key))
    assert result.status is WorkflowStatus.TERMINAL
    assert word in str(result.context["error"])


def test_a_run_of_another_tenant_is_not_found(api: Client) -> None:
    unknown = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"
    result = HighwayTask().execute(make_stage(api, SAY_HELLO, stage_id="foreign", highway_run_id=unknown))
    assert result.status is WorkflowStatus.TERMINAL
    assert "not found" in str(result.context["error"])
