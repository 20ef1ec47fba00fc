"""Circuit breakers, locks, dead letters, retention, payloads and search attributes over the API."""

from __future__ import annotations

import json

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import GIVEN_UP, SAY_HELLO, task, workflow

UNKNOWN_ID = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"


@pytest.fixture(scope="module")
def given_up(owner: Client) -> str:
    run = owner.submit(GIVEN_UP)
    assert owner.wait_until(run)["status"] == "failed"
    return run


def test_a_breaker_is_shown_listed_and_reset(owner: Client, given_up: str) -> None:
    listed = owner.get("/api/v1/circuit-breakers?state=OPEN").data
    assert [one["resource_key"] for one in listed["circuit_breakers"]] == ["broken"]
    assert listed["summary"] == {"total": 1, "open": 1, "closed": 0, "half_open": 0}
    shown = owner.get("/api/v1/circuit-breakers/broken").data
    assert (shown["state"], shown["failure_count"]) == ("OPEN", 1)
    assert shown["last_error"]["kind"] == "tool"
    assert 0 < shown["seconds_until_reopen"] <= 30
    key = {"X-Idempotency-Key": "reset-once"}
    assert owner.post("/api/v1/circuit-breakers/broken/reset", **key).data["state"] == "CLOSED"
    assert owner.post("/api/v1/circuit-breakers/broken/reset", **key).headers["Idempotency-Replayed"] == "true"
    assert owner.post("/api/v1/circuit-breakers/broken/reset").status == 404
    assert owner.get("/api/v1/circuit-breakers/broken").status == 404
    assert owner.post("/api/v1/circuit-breakers/reset").data["reset"] == 0


def test_a_letter_is_inspected_requeued_and_purged(owner: Client, given_up: str) -> None:
    (letter,) = (
        one
        for one in owner.get("/api/v1/dead-letters?open=true").data["dead_letters"]
        if one["workflow_run_id"] == given_up
    )
    where = f"/api/v1/dead-letters/{letter['dead_letter_id']}"
    assert owner.get(where).data | {"reason": "activity", "workflow_name": "given_up"} == letter
    started = owner.post(f"{where}/requeue").data["workflow_run_id"]
    assert owner.post(f"{where}/requeue").data["workflow_run_id"] == started
    assert owner.get(f"/api/v1/workflows/{started}").data["retry_of"] == given_up
    assert owner.get(where).data["requeued_run_id"] == started
    assert owner.send("DELETE", where).data["purged"] is True
    assert owner.get(where).status == 404
    owner.wait_until(started)
    counted = owner.post("/api/v1/dead-letters/purge", {"reasons": ["activity"]}).data
    assert counted == {"dry_run": True, "count": 1}
    assert owner.post("/api/v1/dead-letters/purge", {"reasons": ["activity"], "dry_run": False}).data["count"] == 1


def test_the_locks_of_a_run_tell_their_story(owner: Client) -> None:
    takes = workflow(
        task("take", "tools.lock.acquire", "door"), task("let_go", "tools.lock.release", "door", after=("take",))
    )
    run = owner.submit(takes)
    assert owner.wait_until(run)["status"] == "completed"
    locks = owner.get(f"/api/v1/workflows/{run}/locks").data
    assert [(one["event_type"], one["lock_name"]) for one in locks["locks"]] == [
        ("lock_acquired", "door"),
        ("lock_released", "door"),
    ]
    assert locks["locks"][1]["details"]["held_duration_ms"] >= 0
    assert (locks["total_locks"], locks["active_locks"]) == (2, [])
    assert owner.get(f"/api/v1/workflows/{UNKNOWN_ID}/locks").status == 404


def test_a_tenant_sets_how_long_its_runs_are_kept(owner: Client, stranger: Client) -> None:
    assert owner.send("PUT", "/api/v1/retention", {"keep_completed_days": 7, "keep_failed_days": None}).status == 200
    assert owner.get("/api/v1/retention").data == {"keep_completed_days": 7, "keep_failed_days": None}
    assert stranger.get("/api/v1/retention").data == {"keep_completed_days": 30, "keep_failed_days": 90}
    refused = owner.send("PUT", "/api/v1/retention", {"keep_completed_days": 0, "keep_failed_days": 1})
    assert refused.status == 422


def test_a_large_payload_is_a_reference_and_can_be_fetched(owner: Client, stranger: Client) -> None:
    inputs = {"text": "x" * 300_000}
    run = owner.submit(SAY_HELLO, inputs=inputs)
    reference = owner.get(f"/api/v1/workflows/{run}").data["inputs"]["$blob"]
    assert reference["bytes"] == 300_011
    where = f"/api/v1/workflows/{run}/payloads/{reference['sha256']}"
    assert json.loads(owner.get(where).raw) == inputs
    assert stranger.get(where).status == 404


def test_runs_are_found_by_attributes_that_were_changed_later(owner: Client) -> None:
    run = owner.submit(SAY_HELLO, attributes={"order": 1, "old": "x"}, tags=["eu"])
    changed = owner.send("PATCH", f"/api/v1/workflows/{run}/attributes", {"attributes": {"order": 4711, "old": None}})
    assert changed.data["attributes"] == {"order": 4711}
    found = owner.get("/api/v1/workflows?attribute=order=4711&tag=eu").data["workflows"]
    assert [one["workflow_run_id"] for one in found] == [run]
    assert owner.get("/api/v1/workflows?attribute=order=1").data["workflows"] == []
    assert owner.get("/api/v1/workflows?attribute=nothing").status == 422
    bad = owner.send("PATCH", f"/api/v1/workflows/{run}/attributes", {"attributes": {"a": {"deep": 1}}})
    assert bad.status == 422
