"""The same request twice has one effect and one answer, also sixteen times at once."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.integration.api.client import Answer, Client
from tests.integration.api.definitions import SAY_HELLO, WAIT_FOR_GO
from tests.support.databases import Database

SUBMIT = "/api/v1/workflows"


def keyed(client: Client, key: str, body: Any, path: str = SUBMIT, header: str = "X-Idempotency-Key") -> Answer:
    return client.post(path, body, **{header: key})


def runs_tagged(owner: Client, tag: str) -> list[str]:
    return [run["workflow_run_id"] for run in owner.get(f"{SUBMIT}?tag={tag}").data["workflows"]]


@pytest.mark.parametrize("header", ["X-Idempotency-Key", "Idempotency-Key"])
def test_the_same_key_and_body_get_the_same_answer(owner: Client, header: str) -> None:
    key = uuid.uuid4().hex
    body = {"workflow_definition": SAY_HELLO, "tags": [key]}
    first = keyed(owner, key, body, header=header)
    second = keyed(owner, key, body, header=header)
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(runs_tagged(owner, key)) == 1


def test_another_body_is_a_conflict_that_names_the_run(owner: Client) -> None:
    key = uuid.uuid4().hex
    first = keyed(owner, key, {"workflow_definition": SAY_HELLO})
    other = keyed(owner, key, {"workflow_definition": SAY_HELLO, "inputs": {"other": 1}})
    assert (other.status, other.code) == (409, "idempotency_conflict")
    assert other.json["existing_run_id"] == first.data["workflow_run_id"]


def test_the_key_belongs_to_its_tenant(owner: Client, stranger: Client) -> None:
    key = uuid.uuid4().hex
    body = {"workflow_definition": SAY_HELLO}
    assert keyed(owner, key, body).data["workflow_run_id"] != keyed(stranger, key, body).data["workflow_run_id"]


def test_sixteen_at_once_have_one_effect(owner: Client) -> None:
    key = uuid.uuid4().hex
    body = {"workflow_definition": SAY_HELLO, "tags": [key]}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: keyed(owner, key, body), range(16)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.data["workflow_run_id"] for answer in answers}) == 1
    assert len(runs_tagged(owner, key)) == 1


def test_a_refused_request_does_not_use_up_its_key(owner: Client) -> None:
    key = uuid.uuid4().hex
    assert keyed(owner, key, {"definition_hash": "0" * 64}).status == 404
    assert keyed(owner, key, {"workflow_definition": SAY_HELLO}).status == 201


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("cancel", {"reason": "twice"}),
        ("events", {"event_name": "go", "payload": 1}),
        ("signals", {"signal_name": "s"}),
    ],
)
def test_every_mutating_route_takes_a_key(
    owner: Client, platform_database: Database, action: str, body: dict[str, Any]
) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    key = uuid.uuid4().hex
    path = f"{SUBMIT}/{run_id}/{action}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: keyed(owner, key, body, path), range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    if action == "signals":
        with psycopg.connect(platform_database.superuser) as connection:
            query = "SELECT count(*) FROM highway.signal WHERE workflow_run_id = %s"
            assert connection.execute(query, [run_id]).fetchone() == (1,)
    if action != "cancel":
        owner.post(f"{SUBMIT}/{run_id}/cancel")


def test_retry_takes_a_key(owner: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    owner.post(f"{SUBMIT}/{run_id}/cancel")
    owner.wait_until(run_id)
    key = uuid.uuid4().hex
    retries = [keyed(owner, key, None, f"{SUBMIT}/{run_id}/retry") for _ in range(3)]
    assert len({retry.data["new_workflow_run_id"] for retry in retries}) == 1
    owner.post(f"{SUBMIT}/{retries[0].data['new_workflow_run_id']}/cancel")
