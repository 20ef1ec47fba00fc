"""Run control over real HTTP with a real worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.api.definitions import SAY_HELLO, WAIT_FOR_GO, task, workflow
from tests.integration.api.prepared import NEEDS_A_PERSON

AFTER_GO = workflow(
    WAIT_FOR_GO["tasks"]["go"], task("say", "tools.shell.run", "echo {{inputs.word}}", after=("go",)), name="after_go"
)


def _control(client: Client, run_id: str, what: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"/api/v1/workflows/{run_id}/{what}", body, **headers)


def test_a_run_is_paused_and_resumed_and_says_who_paused_it(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    owner.wait_until(run_id, {"sleeping"})
    assert _control(owner, run_id, "pause", {"reason": "look"}).data["status"] == "paused"
    run = owner.get(f"/api/v1/workflows/{run_id}").data
    assert (run["status"], run["pause_reason"]) == ("paused", "look")
    assert run["why_waiting"][0]["code"] == "paused"
    owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "go"})
    assert _control(owner, run_id, "resume").data["status"] == "pending"
    assert owner.wait_until(run_id)["status"] == "completed"
    assert _control(owner, run_id, "pause").code == "conflict"


def test_a_repeated_request_has_one_effect_and_one_answer(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    key = {"X-Idempotency-Key": f"kill-{run_id}"}
    first, again = (_control(owner, run_id, "kill", {"reason": "no"}, **key) for _ in range(2))
    assert first.raw == again.raw
    run = owner.wait_until(run_id)
    assert (run["status"], run["error_details"]["kind"]) == ("cancelled", "killed")


def test_a_killed_run_is_restarted_and_forked(owner: Client) -> None:
    run_id = owner.submit(AFTER_GO, inputs={"word": "one"})
    owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "go"})
    assert owner.wait_until(run_id)["status"] == "completed"
    assert _control(owner, run_id, "restart").code == "conflict"
    answer = _control(owner, run_id, "fork", {"from_step": "say", "inputs": {"word": "two"}})
    assert answer.status == 201
    forked = owner.wait_until(answer.data["workflow_run_id"])
    assert (forked["fork_of"], forked["result"]["say"]["stdout"]) == (run_id, "two\n")
    unknown = _control(owner, run_id, "fork", {"from_step": "sy"})
    assert unknown.status == 422
    assert "near to it: say" in unknown.json["message"]
    other = owner.submit(AFTER_GO, inputs={"word": "three"})
    _control(owner, other, "kill")
    assert _control(owner, other, "restart", {"reason": "by mistake"}).data["status"] == "pending"
    owner.post(f"/api/v1/workflows/{other}/events", {"event_name": "go"})
    assert owner.wait_until(other)["status"] == "completed"


def test_a_step_whose_attempts_are_spent_is_tried_again_with_other_arguments(owner: Client) -> None:
    run_id = owner.submit(NEEDS_A_PERSON)
    owner.wait_until(run_id, {"paused"})
    refused = _control(owner, run_id, "resume", {"step_inputs": {"fails": {"kwargs": {"nonsense": 1}}}})
    assert refused.status == 422
    _control(owner, run_id, "resume", {"step_inputs": {"fails": {"args": ["echo fine"]}}})
    assert owner.wait_until(run_id)["result"]["fails"]["stdout"] == "fine\n"
    other = owner.submit(NEEDS_A_PERSON)
    owner.wait_until(other, {"paused"})
    assert _control(owner, other, "give-up", {"step": "fails"}).status == 200
    assert owner.wait_until(other)["status"] == "failed"


def test_the_start_and_the_priority_of_a_delayed_run_are_changed(owner: Client) -> None:
    run_id = owner.submit(SAY_HELLO, delay_seconds=3600)
    address = f"/api/v1/workflows/{run_id}"
    assert owner.send("PATCH", address, {"priority": 9, "delay_seconds": 1800}).data["priority"] == 9
    assert owner.send("PATCH", address, {"start_at": "2030-01-01T00:00:00"}).status == 422, "a time needs a zone"
    assert owner.send("PATCH", address, {}).status == 422
    assert owner.send("PATCH", address, {"delay_seconds": 0}).status == 200
    assert owner.wait_until(run_id)["priority"] == 9
    assert owner.send("PATCH", address, {"delay_seconds": 0}).code == "conflict"


def test_many_runs_are_counted_first_and_changed_in_bounded_requests(owner: Client) -> None:
    runs = [owner.submit(WAIT_FOR_GO, tags=["bulk-test"]) for _ in range(3)]
    body = {"action": "cancel", "filter": {"tags": ["bulk-test"]}}
    assert owner.post("/api/v1/workflows/bulk", body).data == {"action": "cancel", "dry_run": True, "count": 3}
    first = owner.post("/api/v1/workflows/bulk", body | {"dry_run": False, "limit": 2}).data
    assert (first["count"], first["next_cursor"]) == (2, runs[1])
    rest = owner.post("/api/v1/workflows/bulk", body | {"dry_run": False, "cursor": first["next_cursor"]}).data
    assert (rest["workflow_run_ids"], rest["next_cursor"]) == ([runs[0]], None)
    for run_id in runs:
        assert owner.wait_until(run_id)["status"] == "cancelled"
    purge = {"action": "purge", "filter": {"tags": ["bulk-test"]}, "dry_run": False}
    assert owner.post("/api/v1/workflows/bulk", purge).data["count"] == 3
    assert owner.get(f"/api/v1/workflows/{runs[0]}").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"action": "explode", "filter": {}},
        {"action": "cancel"},
        {"action": "cancel", "filter": {"statuses": ["completed"]}},
    ],
)
def test_a_bulk_request_that_makes_no_sense_is_refused(owner: Client, body: Any) -> None:
    assert owner.post("/api/v1/workflows/bulk", body).status == 422


def test_a_bulk_action_needs_the_right_to_the_action_too(live: Any, tenants: None, owner: Client) -> None:
    key = make_key(live, "acme", "--permission", "workflows.run:bulk", "--permission", "workflows.run:cancel")
    client = Client(live.url, key)
    body = {"action": "cancel", "filter": {"workflow_names": ["none"]}}
    assert client.post("/api/v1/workflows/bulk", body).status == 200
    refused = client.post("/api/v1/workflows/bulk", body | {"action": "purge"})
    assert (refused.status, refused.json["permission"]) == (403, "workflows.run:purge")
