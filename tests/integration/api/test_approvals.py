"""Approvals over the API: who is asked, who may speak, and that a person with several keys is one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.api.definitions import task, workflow
from tests.integration.api.people import signed_in
from tests.support.runs import scalar
from tests.support.stack import Stack

APPROVALS = "/api/v1/approvals"


def _ask(client: Client, key: str, **asked: Any) -> str:
    """A run that sleeps on its question."""
    given = {"message": "Deploy?", "approval_key": key} | asked
    run = client.submit(workflow(task("ask", "tools.approval.request", **given), name="asks"))
    client.wait_until(run, {"sleeping"})
    return run


@pytest.fixture(scope="module")
def second(live: Stack, tenants: None) -> Client:
    """Another key of the tenant."""
    return Client(live.url, make_key(live, "acme", "--role", "tenant_admin"))


def test_a_question_is_listed_shown_decided_and_its_run_goes_on(owner: Client, second: Client) -> None:
    run = _ask(owner, "deploy-1", data={"version": 7}, quorum=1)
    listed = owner.get(f"{APPROVALS}?status=pending").data["approvals"]
    (asked,) = (one for one in listed if one["workflow_run_id"] == run)
    assert owner.get(f"{APPROVALS}/deploy-1").data == asked
    assert owner.get(f"{APPROVALS}/{asked['approval_id']}").data == asked
    assert owner.get(f"{APPROVALS}?workflow_run_id={run}").data["approvals"] == [asked]
    assert (asked["status"], asked["data"], asked["step_name"]) == ("pending", {"version": 7}, "ask")
    assert (asked["stage"], asked["stages"]) == (1, [{"approvers": [], "quorum": 1}])
    decided = second.post(f"{APPROVALS}/deploy-1/approve", {"comment": "looks well"}).data
    assert (decided["status"], decided["votes"][0]["comment"]) == ("approved", "looks well")
    assert owner.wait_until(run)["status"] == "completed"
    assert owner.get(f"/api/v1/workflows/{run}").data["result"]["ask"]["approver"] == decided["decided_by"]
    assert run not in str(owner.get(f"{APPROVALS}?status=pending").data)


def test_who_started_a_run_has_no_say_in_it_and_is_told_so(owner: Client) -> None:
    _ask(owner, "own-1")
    refused = owner.post(f"{APPROVALS}/own-1/approve")
    assert (refused.status, refused.json["code"]) == (403, "no_say")
    assert "has started what asks for this approval" in refused.json["message"]
    assert owner.get(f"{APPROVALS}/own-1").data["votes"] == []


def test_who_comes_late_is_told_what_became_of_it(owner: Client, second: Client) -> None:
    _ask(owner, "late-1")
    second.post(f"{APPROVALS}/late-1/reject")
    late = second.post(f"{APPROVALS}/late-1/approve")
    assert (late.status, late.json["code"]) == (409, "conflict")
    assert "already rejected by key:" in late.json["message"]
    assert second.post(f"{APPROVALS}/late-1/reject").data["status"] == "rejected", "to say it again changes nothing"


def test_a_vote_is_a_fact_of_the_audit_trail(owner: Client, second: Client, live: Stack) -> None:
    _ask(owner, "told-1")
    asked = second.post(f"{APPROVALS}/told-1/approve").data["approval_id"]
    with psycopg.connect(live.database.superuser, autocommit=True) as connection:
        query = "SELECT array_agg(action) FROM tenants_auditentry WHERE target = %s"
        assert scalar(connection, query, asked) == ["approval.approve"]


def test_a_person_with_two_keys_has_one_voice(owner: Client, live: Stack) -> None:
    """And none in what one of the keys has started."""
    keys = [Client(live.url, make_key(live, "acme", "--role", "tenant_admin")) for _ in range(2)]
    person = signed_in(live, "ann@example.com", "acme", "approver")
    with psycopg.connect(live.database.superuser, autocommit=True) as connection:
        connection.execute(
            "UPDATE tenants_apikey SET created_by_id = (SELECT id FROM tenants_user WHERE email = 'ann@example.com') "
            "WHERE id IN (SELECT id FROM tenants_apikey ORDER BY created_at DESC LIMIT 2)"
        )
    _ask(owner, "two-1", quorum=2, approvers=["ann@example.com", "role:approver"])
    for key in keys:
        said = key.post(f"{APPROVALS}/two-1/approve").data
        assert (said["status"], [vote["by"] for vote in said["votes"]]) == ("pending", ["ann@example.com"])
    _ask(keys[0], "two-2")
    assert keys[1].post(f"{APPROVALS}/two-2/approve").json["code"] == "no_say"
    assert person.get("/t/acme/").status == 200


def test_pages_follow_a_cursor(owner: Client) -> None:
    for number in range(3):
        _ask(owner, f"page-{number}")
    first = owner.get(f"{APPROVALS}?page_size=2").data
    rest = owner.get(f"{APPROVALS}?page_size=200&cursor={first['next_cursor']}").data
    assert [one["approval_key"] for one in first["approvals"]] == ["page-2", "page-1"]
    assert rest["approvals"][0]["approval_key"] == "page-0"


@pytest.mark.parametrize("body", [{"comment": 5}, {"comment": "x" * 2001}, {"verdict": "yes"}])
def test_a_vote_that_makes_no_sense_is_refused(second: Client, body: dict[str, Any]) -> None:
    assert second.post(f"{APPROVALS}/nobody-knows/approve", body).status == 422
