"""Runs over real HTTP with a real worker."""

from __future__ import annotations

import uuid

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import SAY_HELLO, WAIT_FOR_GO, task, workflow

DSL = """
from highway_dsl import WorkflowBuilder
workflow = WorkflowBuilder("from_python", version="1.0.0").task("hello", "tools.log.info", args=["hello"]).build()
"""

YAML = """
name: from_yaml
version: 1.0.0
start_task: hello
tasks:
  hello: {task_id: hello, operator_type: task, function: tools.log.info, args: [hello], dependencies: []}
"""


def test_a_submitted_definition_runs_to_its_end(owner: Client) -> None:
    run = owner.wait_until(owner.submit(SAY_HELLO, inputs={"who": "world"}, tags=["greeting"]))
    assert run["status"] == run["state"] == "completed"
    assert run["progress"] == {"completed": 1, "total": 1, "percent": 100}
    assert run["inputs"] == {"who": "world"}
    assert "hello" in run["result"]
    assert run["why_waiting"] == []


def test_a_batch_is_a_run_for_each_of_its_inputs_all_or_none(owner: Client) -> None:
    body = {"workflow_definition": SAY_HELLO, "inputs": [{"n": n} for n in range(12)], "tags": ["many"]}
    answer = owner.post("/api/v1/workflows/batch", body)
    assert answer.status == 201, answer.json
    assert answer.data["count"] == 12
    runs = [owner.wait_until(run_id) for run_id in answer.data["workflow_run_ids"]]
    assert [(run["status"], run["inputs"]) for run in runs] == [("completed", {"n": n}) for n in range(12)]
    refused = owner.post("/api/v1/workflows/batch", body | {"inputs": [{"n": 1}, 7]})
    assert refused.status == 422
    assert refused.json["details"][0]["path"] == "$.inputs[1]"
    assert owner.post("/api/v1/workflows/batch", body | {"inputs": []}).status == 422
    assert len(owner.get("/api/v1/workflows?tag=many").data["workflows"]) == 12


@pytest.mark.parametrize(("form", "source", "name"), [("python_dsl", DSL, "from_python"), ("yaml", YAML, "from_yaml")])
def test_a_source_runs_and_is_kept_beside_its_definition(owner: Client, form: str, source: str, name: str) -> None:
    answer = owner.post("/api/v1/workflows", {form: source})
    assert answer.status == 201, answer.json
    assert owner.wait_until(answer.data["workflow_run_id"])["status"] == "completed"
    stored = owner.get(f"/api/v1/workflows/definitions/{answer.data['definition_id']}").data
    assert stored["workflow_name"] == name
    assert stored[form] == source


def test_a_stored_definition_starts_by_each_of_its_labels(owner: Client) -> None:
    stored = owner.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO, "execute": False})
    assert stored.status == 201
    assert "workflow_run_id" not in stored.data
    for label in ("definition_id", "definition_hash", "workflow_name"):
        answer = owner.post("/api/v1/workflows", {label: stored.data[label]})
        assert answer.status == 201, answer.json
        assert answer.data["definition_id"] == stored.data["definition_id"]
        assert uuid.UUID(answer.data["workflow_run_id"]).version == 7


def test_a_changed_definition_of_the_same_name_is_the_next_version(owner: Client) -> None:
    first = owner.post(
        "/api/v1/workflows", {"workflow_definition": workflow(task("a", "tools.log.info", "1"), name="v")}
    )
    second = owner.post(
        "/api/v1/workflows", {"workflow_definition": workflow(task("a", "tools.log.info", "2"), name="v")}
    )
    assert (first.data["version"], second.data["version"]) == (1, 2)
    by_version = owner.get("/api/v1/workflows/v/versions/1").data
    assert by_version["definition_hash"] == first.data["definition_hash"]
    by_hash = owner.get(f"/api/v1/workflows/by-hash/{second.data['definition_hash']}").data
    assert by_hash["version"] == 2


def test_an_event_from_outside_wakes_the_run(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    waiting = owner.wait_until(run_id, {"sleeping"})
    assert waiting["current_step"] == "go"
    assert any("go" in reason["text"] for reason in waiting["why_waiting"])
    owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "go", "payload": {"n": 1}})
    run = owner.wait_until(run_id)
    assert run["result"]["go"] == {"n": 1}
    assert owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "late"}).code == "conflict"


def test_the_first_event_of_a_name_wins(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    first = owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "other", "payload": 1})
    again = owner.post(f"/api/v1/workflows/{run_id}/events", {"name": "other", "payload": 2})
    assert (first.data["first"], again.data["first"]) == (True, False)
    emitted = owner.get(f"/api/v1/workflows/{run_id}/events").data["emitted"]
    assert [(one["event_name"], one["payload"]) for one in emitted] == [("other", 1)]
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_signals_are_kept_in_order(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    for number in (1, 2):
        assert owner.post(f"/api/v1/workflows/{run_id}/signals", {"signal_name": "s", "payload": number}).status == 200
    signals = owner.get(f"/api/v1/workflows/{run_id}/signals").data["signals"]
    assert [signal["payload"] for signal in signals] == [1, 2]
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_items_are_added_to_a_loop_by_a_signal_once_for_each_key_and_a_wrong_one_is_refused(owner: Client) -> None:
    work = {**task("work", "tools.log.info", "{{item}}"), "dependencies": []}
    loop = {
        "task_id": "loop",
        "operator_type": "foreach",
        "items": ["a"],
        "loop_body": [work],
        "dynamic": True,
        "metadata": {"keep_open": True},
    }
    run_id = owner.submit(workflow(loop))
    inbox = f"/api/v1/workflows/{run_id}/signals"
    waiting = owner.wait_until(run_id, {"sleeping"})
    assert any("add_items" in reason["text"] for reason in waiting["why_waiting"])
    refused = owner.post(inbox, {"signal_name": "add_items", "payload": "b"})
    assert (refused.status, refused.code) == (422, "invalid_request")
    for _ in range(2):
        added = owner.post(inbox, {"signal_name": "add_items", "payload": ["b"]}, **{"Idempotency-Key": run_id})
        assert added.status == 200, added.json
    owner.post(inbox, {"signal_name": "add_items", "payload": {"items": ["c"], "done": True}})
    assert owner.wait_until(run_id)["result"]["loop"]["count"] == 3
    assert [one["taken_by"] for one in owner.get(inbox).data["signals"]] == ["loop", "loop"]


def test_a_cancelled_run_ends_and_can_be_retried_as_a_new_one(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    assert owner.post(f"/api/v1/workflows/{run_id}/retry").status == 409
    assert owner.post(f"/api/v1/workflows/{run_id}/cancel", {"reason": "not today"}).status == 200
    run = owner.wait_until(run_id)
    assert (run["status"], run["cancel_reason"]) == ("cancelled", "not today")
    assert owner.post(f"/api/v1/workflows/{run_id}/cancel").code == "conflict"
    retried = owner.post(f"/api/v1/workflows/{run_id}/retry")
    assert retried.data["original_workflow_run_id"] == run_id
    assert owner.get(f"/api/v1/workflows/{retried.data['new_workflow_run_id']}").data["retry_of"] == run_id
    owner.post(f"/api/v1/workflows/{retried.data['new_workflow_run_id']}/cancel")


def test_steps_checkpoints_and_story_tell_what_was_done(owner: Client) -> None:
    run_id = owner.submit(SAY_HELLO)
    owner.wait_until(run_id)
    steps = owner.get(f"/api/v1/workflows/{run_id}/steps").data
    assert [(step["step_name"], step["status"]) for step in steps["steps"]] == [("hello", "succeeded")]
    assert steps["total_steps"] == steps["succeeded"] == 1
    assert owner.get(f"/api/v1/workflows/{run_id}/steps/hello").data["operator"] == "task"
    assert owner.get(f"/api/v1/workflows/{run_id}/steps/nothing").status == 404
    for path in ("checkpoints", "steps/hello/checkpoints"):
        assert "hello" in [
            row["step_name"] for row in owner.get(f"/api/v1/workflows/{run_id}/{path}").data["checkpoints"]
        ]
    kinds = [entry["event_type"] for entry in owner.get(f"/api/v1/workflows/{run_id}/events").data["events"]]
    assert "step_succeeded" in kinds
    logs = owner.get(f"/api/v1/workflows/{run_id}").data["logs"]
    assert [line["message"] for line in logs] == ["hello"]


def test_the_list_filters_and_pages_by_key_and_by_number(owner: Client) -> None:
    tag = f"page-{uuid.uuid4().hex}"
    started = [owner.submit(SAY_HELLO, tags=[tag]) for _ in range(5)]
    newest_first = started[::-1]
    by_number, by_key, cursor = [], [], ""
    for page in (1, 2, 3):
        part = owner.get(f"/api/v1/workflows?tag={tag}&page={page}&page_size=2").data
        by_number += [run["workflow_run_id"] for run in part["workflows"]]
        part = owner.get(f"/api/v1/workflows?tag={tag}&page_size=2{cursor}").data
        by_key += [run["workflow_run_id"] for run in part["workflows"]]
        cursor = f"&cursor={part['pagination']['next_cursor']}"
        assert part["pagination"]["has_more"] == (page < 3)
    assert by_number == by_key == newest_first
    for run_id in started:
        owner.wait_until(run_id)
    assert len(owner.get(f"/api/v1/workflows?tag={tag}&status=completed,failed").data["workflows"]) == 5
    assert owner.get(f"/api/v1/workflows?tag={tag}&status=pending").data["workflows"] == []
    assert owner.get(f"/api/v1/runs?tag={tag}&q={started[0]}").data["runs"][0]["workflow_run_id"] == started[0]


def test_a_delayed_run_does_not_start_early(owner: Client) -> None:
    run_id = owner.submit(SAY_HELLO, delay_seconds=1.0)
    run = owner.wait_until(run_id)
    assert run["started_at"] > run["created_at"]
    assert (_time(run["started_at"]) - _time(run["created_at"])).total_seconds() >= 1.0


def test_health_and_version_need_no_key(nobody: Client, owner: Client) -> None:
    owner.wait_until(owner.submit(SAY_HELLO))
    health = nobody.get("/api/v1/health").data
    assert (health["status"], health["checks"]["workers"]["live"]) == ("healthy", 1)
    assert nobody.get("/api/v1/version").data["api_version"] == "1"
    assert nobody.get("/ping").raw == b"pong\n"


def _time(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)


def test_a_misspelt_name_is_repeated_with_the_nearest_that_there_is(owner: Client) -> None:
    owner.post("/api/v1/workflows", {"workflow_definition": {**SAY_HELLO, "name": "orders_of_tea"}, "execute": False})
    refused = owner.post("/api/v1/workflows", {"workflow_name": "orders_of_te"})
    assert refused.status == 404
    assert refused.json["message"] == "There is no workflow called 'orders_of_te'. Did you mean 'orders_of_tea'?"
