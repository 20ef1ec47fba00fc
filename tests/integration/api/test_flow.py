"""Flow control over real HTTP: how submissions meet, queues, limits, and the caps of a tenant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import SAY_HELLO, WAIT_FOR_GO
from tests.support.stack import Stack

ONE = {"limits": [{"kind": "concurrency", "key": "one/at a time", "limit": 1}]}


def test_a_run_waits_for_a_slot_says_so_and_goes_on_when_it_is_free(owner: Client) -> None:
    first = owner.submit(WAIT_FOR_GO, flow=ONE)
    owner.wait_until(first, {"sleeping"})
    second = owner.submit(SAY_HELLO, flow=ONE)
    waiting = owner.wait_until(second, {"sleeping"})
    (reason,) = waiting["why_waiting"]
    assert (reason["code"], reason["data"]["holders"]) == ("limit", [first])
    shown = owner.get("/api/v1/limits/concurrency/one/at%20a%20time").data
    assert [holder["workflow_run_id"] for holder in shown["holders"]] == [first]
    assert [holder["workflow_run_id"] for holder in shown["line"]] == [second]
    owner.post(f"/api/v1/workflows/{first}/events", {"event_name": "go"})
    assert owner.wait_until(second)["status"] == "completed"


def test_a_limit_s_figures_are_changed_and_listed(owner: Client) -> None:
    flow = {"limits": [{"kind": "rate", "key": "mails", "limit": 5, "per_seconds": 60}]}
    owner.wait_until(owner.submit(SAY_HELLO, flow=flow))
    changed = owner.send("PATCH", "/api/v1/limits/rate/mails", {"limit": 9})
    assert (changed.status, changed.data["limit"], changed.data["pinned"]) == (200, 9, True)
    assert ("rate", "mails", 9) in {
        (one["kind"], one["key"], one["limit"]) for one in owner.get("/api/v1/limits").data["limits"]
    }
    assert owner.send("PATCH", "/api/v1/limits/rate/mails", {"limit": 0}).status == 422


def test_a_second_submission_of_a_singleton_answers_with_the_open_run(owner: Client) -> None:
    body = {"workflow_definition": WAIT_FOR_GO, "flow": {"singleton": {"key": "only"}}}
    first, second = owner.post("/api/v1/workflows", body), owner.post("/api/v1/workflows", body)
    assert first.data["workflow_run_id"] == second.data["workflow_run_id"]
    assert (first.data["joined"], second.data["joined"]) == (False, True)
    body["flow"] = {"singleton": {"key": "only", "policy": "refuse"}}
    assert owner.post("/api/v1/workflows", body).code == "conflict"


@pytest.mark.parametrize(
    "flow",
    [
        {"singleton": {"key": "a"}, "batch": {"key": "b", "size": 2, "seconds": 1}},
        {"limits": [{"kind": "rate", "key": "a"}]},
        {"debounce": {"key": "a", "seconds": 0}},
        {"unknown": 1},
    ],
)
def test_flow_options_that_make_no_sense_are_refused(owner: Client, flow: dict[str, Any]) -> None:
    answer = owner.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO, "flow": flow})
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_a_queue_is_paused_drained_and_resumed(owner: Client) -> None:
    path = "/api/v1/queues/default"
    paused = owner.send("PATCH", path, {"paused": True, "reason": "repairs", "max_running": 3})
    assert (paused.data["paused"], paused.data["pause_reason"], paused.data["max_running"]) == (True, "repairs", 3)
    run = owner.submit(SAY_HELLO)
    (reason,) = owner.get(f"/api/v1/workflows/{run}").data["why_waiting"]
    assert (reason["code"], reason["data"]["reason"]) == ("queue_paused", "repairs")
    assert owner.get(path).data["pending"] == 1
    owner.send("PATCH", path, {"paused": False, "draining": True})
    assert owner.wait_until(run)["status"] == "completed"
    assert owner.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO}).status == 409
    unheard_of = SAY_HELLO | {"name": "unheard_of"}
    assert owner.post("/api/v1/workflows", {"workflow_definition": unheard_of}).status == 409
    assert owner.post("/api/v1/workflows", {"workflow_name": "unheard_of"}).status == 404, (
        "stored with its run, or not at all"
    )
    resumed = owner.send("PATCH", path, {"draining": False, "max_running": None}).data
    assert (resumed["draining"], resumed["max_running"]) == (False, None)
    assert "default" in {queue["queue_name"] for queue in owner.get("/api/v1/queues").data["queues"]}


def test_over_a_cap_a_submission_gets_429_with_the_figures(live: Stack, stranger: Client) -> None:
    shown = live.manage("tenant_policy", "other", "--max-backlog", "1", "--weight", "3").stdout
    assert "max_backlog      1" in shown
    assert "weight           3" in shown
    live.manage("tenant_policy", "other", "--pause", "unpaid")
    run = stranger.submit(SAY_HELLO)
    (reason,) = stranger.get(f"/api/v1/workflows/{run}").data["why_waiting"]
    assert reason["text"] == "the tenant was paused by platform: unpaid"
    refused = stranger.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO})
    assert (refused.status, refused.code) == (429, "backlog_full")
    assert (refused.json["figure"], refused.json["limit"]) == (1, 1)
    assert refused.headers["Retry-After"] == "5"
    assert refused.headers["X-RateLimit-Limit"] == "1"
    live.manage("tenant_policy", "other", "--resume", "--max-backlog", "none")
    assert stranger.wait_until(run)["status"] == "completed"
