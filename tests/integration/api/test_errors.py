"""Bad requests: each a clear 4xx with the place of the fault, and nothing stored."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import SAY_HELLO, task, workflow
from tests.support.databases import Database

SUBMIT = "/api/v1/workflows"


def definition(**changes: Any) -> dict[str, Any]:
    return {"workflow_definition": {**SAY_HELLO, **changes}}


CYCLE = workflow(task("a", "tools.log.info", "a", after=("b",)), task("b", "tools.log.info", "b", after=("a",)))
UNKNOWN_OPERATOR = {"x": {"task_id": "x", "operator_type": "teleport", "dependencies": []}}
BAD = [
    pytest.param(
        definition(tasks=UNKNOWN_OPERATOR), "invalid_definition", "$.workflow_definition.tasks.x", id="operator"
    ),
    pytest.param({"workflow_definition": CYCLE}, "invalid_definition", "$.workflow_definition.tasks", id="cycle"),
    pytest.param(
        {"workflow_definition": workflow(task("a", "tools.teleport.now"))},
        "invalid_definition",
        "$.workflow_definition.tasks.a.function",
        id="tool",
    ),
    pytest.param(
        {"workflow_definition": workflow(task("a", "tools.log.info", "a", after=("ghost",)))},
        "invalid_definition",
        "$.workflow_definition.tasks.a.dependencies[0]",
        id="dependency",
    ),
    pytest.param({"workflow_definition": {"name": "x"}}, "invalid_definition", "$.workflow_definition", id="no tasks"),
    pytest.param({"workflow_definition": []}, "invalid_request", "$.workflow_definition", id="no object"),
    pytest.param({"yaml": "a: [1"}, "invalid_definition", "$.yaml", id="yaml"),
    pytest.param({"python_dsl": "this is no python"}, "invalid_definition", "$.python_dsl", id="python"),
    pytest.param(
        {"python_dsl": "import socket; socket.create_connection(('127.0.0.1', 1))"},
        "invalid_definition",
        "$.python_dsl",
        id="python reaching out",
    ),
    pytest.param({}, "invalid_request", "$", id="no source"),
    pytest.param({**definition(), "yaml": "a: 1"}, "invalid_request", "$", id="two sources"),
    pytest.param({**definition(), "inptus": {}}, "invalid_request", "$.inptus", id="misspelt field"),
    pytest.param({**definition(), "priority": "high"}, "invalid_request", "$.priority", id="type"),
    pytest.param({**definition(), "queue": "no spaces"}, "invalid_request", "$.queue", id="queue"),
    pytest.param({**definition(), "delay_seconds": -1}, "invalid_request", "$.delay_seconds", id="range"),
    pytest.param({**definition(), "tags": ["ok", 7]}, "invalid_request", "$.tags[1]", id="in a list"),
]


@pytest.fixture(autouse=True)
def nothing_is_stored(platform_database: Database):
    import psycopg

    def counts() -> tuple[int, int]:
        with psycopg.connect(platform_database.superuser) as connection:
            return tuple(
                connection.execute(f"SELECT count(*) FROM highway.{table}").fetchone()[0]
                for table in ("workflow_definition", "workflow_run")
            )

    before = counts()
    yield
    assert counts() == before


@pytest.mark.parametrize(("body", "code", "path"), BAD)
def test_a_bad_body_is_refused_at_its_place(owner: Client, body: dict[str, Any], code: str, path: str) -> None:
    answer = owner.post(SUBMIT, body)
    assert (answer.status, answer.code) == (422, code), answer.json
    details = answer.json["details"]
    assert any(detail["path"].startswith(path) and detail["message"] for detail in details), details
    assert answer.json["message"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert answer.json["timestamp"]


def test_what_is_no_json_is_a_400(owner: Client) -> None:
    answer = owner.send("POST", SUBMIT, raw=b'{"workflow_definition": ')
    assert (answer.status, answer.code) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"inputs": {"a": 1, "a": 2}}', "the key 'a' stands twice"),
        (b'{"inputs": {"a": NaN}}', "NaN has no place in JSON"),
        (b'{"inputs": {"a": -Infinity}}', "-Infinity has no place in JSON"),
        (b'{"inputs": ' + b"[" * 100_000, ""),
        (b'{"inputs": ' + b"9" * 100_000 + b"}", ""),
    ],
    ids=["repeated key", "NaN", "infinity", "depth", "digits"],
)
def test_json_that_others_read_otherwise_is_a_400(owner: Client, body: bytes, reason: str) -> None:
    answer = owner.send("POST", SUBMIT, raw=body)
    assert (answer.status, answer.code) == (400, "invalid_json")
    assert reason in answer.json["details"][0]["message"]


@pytest.mark.parametrize(
    "label",
    [
        {"definition_id": "01a1fa9e-c762-7e26-bd49-713d1a24fde0"},
        {"definition_hash": "0" * 64},
        {"workflow_name": "nobody knows"},
    ],
)
def test_an_unknown_definition_is_a_404(owner: Client, label: dict[str, str]) -> None:
    assert owner.post(SUBMIT, label).status == 404


def test_a_body_over_the_limit_is_refused_before_it_is_read(owner: Client) -> None:
    parts = urlsplit(owner.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {owner.key}\r\n"
        connection.sendall(f"{head}Content-Length: {3 * 1024 * 1024}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b'"body_too_large"' in answer


def test_a_chunked_body_over_the_limit_is_refused_too(owner: Client) -> None:
    parts = urlsplit(owner.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {owner.key}\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        answer = b""
        try:
            for _ in range(64):
                connection.sendall(chunk)
            answer = connection.recv(65536)
        except (BrokenPipeError, ConnectionResetError):  # refused while we were still sending
            answer = connection.recv(65536)
    assert b" 413 " in answer.split(b"\r\n")[0]


@pytest.mark.parametrize("key", ["", "hw_k1_", "hw_k1_" + "x" * 32, "hw_k2_" + "x" * 32, "Basic abc"])
def test_a_wrong_key_is_a_401_that_says_what_to_show(owner: Client, key: str) -> None:
    answer = Client(owner.url, key).post(SUBMIT, {"workflow_definition": SAY_HELLO})
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert "hw_k1_" in answer.json["message"]


def test_the_permission_is_checked_before_the_body(member: Client) -> None:
    answer = member.send("POST", SUBMIT, raw=b"not even json")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert answer.json["permission"] == "workflows.run:submit"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("DELETE", SUBMIT, 405), ("GET", f"{SUBMIT}/not-a-uuid", 404)],
)
def test_a_stray_address_is_answered_in_the_api_s_shape(owner: Client, method: str, path: str, status: int) -> None:
    answer = owner.send(method, path)
    assert answer.status == status
    assert answer.json["status"] == "error"


@pytest.mark.parametrize(
    "query", ["status=flying", "page=0", "page_size=1000", "page=1000&page_size=100", "cursor=x", "days=x"]
)
def test_a_bad_parameter_is_named(owner: Client, query: str) -> None:
    answer = owner.get(f"{SUBMIT}?{query}")
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.json["details"][0]["path"].startswith("query.")
