"""Uploading code: as a body or a form, once, within limits, and what is wrong with it in words."""

from __future__ import annotations

import hashlib
import http.client
import json

import pytest

from tests.integration.api.client import Answer, Client
from tests.integration.api.definitions import task, workflow
from tests.support.archives import with_link, zipped

ARTIFACTS, MODULES = "/api/v1/artifacts", "/api/v1/modules"
CODE = zipped({"sums.py": "def add(ctx, a, b=1): return a + b"})


def upload(client: Client, content: bytes, **headers: str) -> Answer:
    return client.send("POST", ARTIFACTS, raw=content, **{"Content-Type": "application/zip", **headers})


def form(content: bytes, boundary: str, field: str = "artifact") -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="a.zip"\r\nContent-Type: application/zip\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def upload_form(client: Client, content: bytes, boundary: str, field: str = "artifact", **headers: str) -> Answer:
    kind = f"multipart/form-data; boundary={boundary}"
    return client.send("POST", ARTIFACTS, raw=form(content, boundary, field), **{"Content-Type": kind, **headers})


def test_body_and_form_are_the_same_and_the_id_is_the_hash(owner: Client) -> None:
    first, second = upload(owner, CODE), upload_form(owner, CODE, "one")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert first.json["artifact_id"] == hashlib.sha256(CODE).hexdigest()
    assert owner.get(f"{ARTIFACTS}/{first.json['artifact_id']}").raw == CODE


def test_a_form_that_is_sent_again_under_its_key_is_the_same_request(owner: Client) -> None:
    key = {"Idempotency-Key": "upload-once"}
    first, second = upload_form(owner, CODE, "one", **key), upload_form(owner, CODE, "two", **key)
    assert first.raw == second.raw
    assert second.headers["Idempotency-Replayed"] == "true"
    other = upload_form(owner, zipped({"other.py": ""}), "one", **key)
    assert (other.status, other.code) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"nonsense", "no zip file"), (with_link(), "link"), (zipped({"../x.py": ""}), "leads out of it")],
    ids=["nonsense", "link", "slip"],
)
def test_what_may_not_be_stored_is_refused_in_words(owner: Client, content: bytes, words: str) -> None:
    answer = upload(owner, content)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert words in answer.json["message"]


def test_nothing_a_wrong_field_and_a_broken_form_are_refused(owner: Client) -> None:
    assert [
        (answer.status, answer.code)
        for answer in (
            upload(owner, b""),
            upload_form(owner, CODE, "one", field="something"),
            owner.send("POST", ARTIFACTS, raw=b"x", **{"Content-Type": "multipart/form-data"}),
        )
    ] == [(400, "invalid_upload")] * 3


def test_more_than_the_server_takes_is_refused_before_it_is_read(owner: Client) -> None:
    server = http.client.HTTPConnection(owner.url.removeprefix("http://"), timeout=20)
    server.putrequest("POST", ARTIFACTS)
    told = {"Authorization": f"Bearer {owner.key}", "Content-Type": "application/zip"}
    for name, value in (told | {"Content-Length": str(3 * 1024 * 1024)}).items():
        server.putheader(name, value)
    server.endheaders()  # and nothing of the body
    response = server.getresponse()
    assert (response.status, json.load(response)["code"]) == (413, "body_too_large")
    server.close()


def test_whoever_sends_too_much_all_the_same_is_told_so(owner: Client) -> None:
    for megabytes in (3, 40):
        answer = upload(owner, b"PK" + bytes(megabytes * 1024 * 1024))
        assert (answer.status, answer.code) == (413, "body_too_large")


def test_a_stored_module_is_called_and_its_runs_say_which_version(owner: Client) -> None:
    made = [owner.send("PUT", f"{MODULES}/greet", raw=f"def hi(ctx, who): return {n}, who".encode()) for n in (1, 2)]
    assert [answer.data["version"] for answer in made] == [1, 2]
    run_id = owner.submit(workflow(task("say", "tools.python.run", "greet.hi", "ann"), name="greet"))
    assert owner.wait_until(run_id)["result"]["say"] == [2, "ann"]
    (used,) = owner.get(f"/api/v1/workflows/{run_id}/code").data["code"]
    assert (used["reference"], used["version"]) == ("module:greet", 2)
    assert [one["version"] for one in owner.get(f"{MODULES}/greet").data["versions"]] == [1, 2]
    needed = owner.send("DELETE", f"{ARTIFACTS}/{used['artifact_id']}")
    assert (needed.status, needed.code) == (409, "conflict")
    assert owner.send("DELETE", f"{MODULES}/greet").data["versions_deleted"] == 2
    assert owner.get(f"{MODULES}/greet").status == 404


def test_lists_come_in_pages(owner: Client) -> None:
    for number in range(3):
        upload(owner, zipped({"paged.py": f"n = {number}"}))
    first = owner.get(f"{ARTIFACTS}?page_size=2").data
    second = owner.get(f"{ARTIFACTS}?page_size=2&after={first['next_after']}").data
    assert len(first["artifacts"]) == 2
    assert first["next_after"] == first["artifacts"][-1] < second["artifacts"][0]
