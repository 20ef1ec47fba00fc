"""Requests to a run that get a reply, and sagas, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import SAY_HELLO, task, workflow


def _priced() -> dict[str, Any]:
    take = task("take", "tools.update.handle", name="price")
    answer = {"price_of": "{{take.payload}}"}
    reply = task("reply", "tools.update.reply", after=("take",), update_id="{{take.update_id}}", result=answer)
    return workflow(take, reply, name="priced")


def test_an_update_waits_for_its_reply_and_a_repeated_one_gets_the_same(owner: Client) -> None:
    run_id = owner.submit(_priced())
    body = {"update_name": "price", "update_payload": "tea", "timeout_seconds": 20}
    path = f"/api/v1/workflows/{run_id}/updates"
    answers = [owner.post(path, body, **{"Idempotency-Key": f"price-{run_id}"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200], answers[0].json
    assert answers[0].data == answers[1].data
    assert answers[0].data["result"] == {"price_of": "tea"}
    history = owner.get(f"{path}/history").data
    assert [update["status"] for update in history["updates"]] == ["completed"]


def test_an_update_that_nobody_answers_times_out_and_stays_open_until_the_run_ends(owner: Client) -> None:
    run_id = owner.submit(_priced())
    path = f"/api/v1/workflows/{run_id}/updates"
    late = owner.post(path, {"update_name": "other", "timeout_seconds": 0.2})
    assert (late.status, late.code) == (408, "update_timeout")
    assert [update["update_name"] for update in owner.get(path).data["updates"]] == ["other"]
    owner.post(f"/api/v1/workflows/{run_id}/cancel", {})
    owner.wait_until(run_id)
    assert owner.get(path).data["updates"] == []
    assert owner.get(f"{path}/history?status=failed").data["count"] == 1
    assert owner.post(path, {"update_name": "price", "timeout_seconds": 1}).status == 409


def test_the_run_of_another_tenant_takes_no_update(owner: Client, stranger: Client) -> None:
    run_id = owner.submit(_priced())
    assert stranger.post(f"/api/v1/workflows/{run_id}/updates", {"update_name": "price"}).status == 404
    owner.post(f"/api/v1/workflows/{run_id}/cancel", {})


def test_a_saga_is_listed_with_what_was_undone(owner: Client) -> None:
    book = task("book", "tools.shell.run", "echo booked") | {
        "compensation": {"function": "tools.log.info", "args": ["undone {{book.stdout}}"]}
    }
    fail = task("fail", "tools.shell.run", "exit 3", after=("book",))
    run_id = owner.submit(workflow(book, fail, name="trip"))
    run = owner.wait_until(run_id)
    assert (run["status"], run["state"]) == ("compensated", "failed")
    listed = owner.get(f"/api/v1/workflows/{run_id}/sagas").data
    assert listed["compensated_sagas"] == 1
    assert [(step["step"], step["status"]) for step in listed["sagas"][0]["steps"]] == [("book", "undone")]


@pytest.mark.parametrize(
    "body", [{}, {"update_name": ""}, {"update_name": "x", "timeout_seconds": 61}, {"update_name": "x", "odd": 1}]
)
def test_a_wrong_update_is_refused(owner: Client, body: dict[str, Any]) -> None:
    run_id = owner.submit(SAY_HELLO)
    assert owner.post(f"/api/v1/workflows/{run_id}/updates", body).status == 422
