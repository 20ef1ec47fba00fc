"""The audit trail: added to, never changed, and every refusal is in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.api.people import Person
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def web(stack: Stack) -> Stack:
    stack.start_web()
    stack.manage("create_tenant", "acme")
    return stack


def entries(web: Stack, **wanted: str) -> list[dict[str, str]]:
    with psycopg.connect(web.database.superuser, row_factory=psycopg.rows.dict_row) as connection:
        rows = connection.execute("SELECT * FROM tenants_auditentry ORDER BY at").fetchall()
    return [row for row in rows if all(str(row[name]) == value for name, value in wanted.items())]


def test_a_refusal_names_who_what_and_why(web: Stack) -> None:
    key = make_key(web, "acme", "--permission", "tenants.audit:read")
    Client(web.url, key).send("GET", "/api/v1/workflows", **{"X-Request-ID": "refused-1"})
    (entry,) = entries(web, request_id="refused-1")
    assert (entry["action"], entry["outcome"], entry["actor"]) == ("access.refused", "refused", f"key:{key[:14]}")
    assert entry["details"] == {"permission": "workflows.run:read", "reason": "permission", "method": "GET"}
    assert entry["tenant_id"] is not None


def test_nobody_and_wrong_keys_are_in_the_trail_without_the_key(web: Stack) -> None:
    wrong = "hw_k1_" + "w" * 32
    Client(web.url, wrong).send("GET", "/api/v1/workflows", **{"X-Request-ID": "refused-2"})
    (entry,) = entries(web, request_id="refused-2")
    assert (entry["actor_kind"], entry["details"]["reason"]) == ("nobody", "nobody")
    assert wrong not in str(entry)


def test_a_page_that_sends_to_sign_in_is_in_the_trail(web: Stack) -> None:
    Person(web.url).get("/t/acme/runs/", **{"X-Request-ID": "refused-3"})
    (entry,) = entries(web, request_id="refused-3")
    assert (entry["target"], entry["details"]["reason"]) == ("/t/acme/runs/", "nobody")


def test_signing_in_and_failing_to_is_in_the_trail_without_the_password(web: Stack) -> None:
    printed = web.manage("add_member", "eve@example.com", "acme").stdout
    person = Person(web.url)
    person.sign_in("eve@example.com", "a wrong password")
    person.sign_in("eve@example.com", printed.split("password: ")[1].strip())
    (refused,) = entries(web, action="user.sign_in", target="eve@example.com")
    assert refused["outcome"] == "refused"
    assert len(entries(web, action="user.signed_in", actor="eve@example.com")) == 1
    assert "a wrong password" not in str(entries(web))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_auditentry SET actor = 'somebody else'",
        "DELETE FROM tenants_auditentry",
        "TRUNCATE tenants_auditentry",
    ],
)
def test_the_web_cannot_change_the_trail(web: Stack, statement: str) -> None:
    with psycopg.connect(web.database.web) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE tenants_auditentry SET actor = 'somebody else'", "DELETE FROM tenants_auditentry"]
)
def test_not_even_the_owner_changes_the_trail(web: Stack, statement: str) -> None:
    with (
        psycopg.connect(web.database.owner) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="Cannot"),
    ):
        connection.execute(statement)


def test_sixteen_refusals_at_once_are_sixteen_facts(web: Stack) -> None:
    key = make_key(web, "acme", "--permission", "tenants.audit:read")

    def refused(number: int) -> int:
        headers = {"X-Request-ID": f"at-once-{number}"}
        return Client(web.url, key).send("POST", "/api/v1/workflows", {"workflow_name": "x"}, **headers).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(refused, range(16))) == {403}
    assert [len(entries(web, request_id=f"at-once-{number}")) for number in range(16)] == [1] * 16


@pytest.mark.parametrize("statement", ["UPDATE tenants_auditentry SET actor = ''", "DELETE FROM tenants_auditentry"])
def test_workers_have_no_part_in_the_trail(web: Stack, statement: str) -> None:
    with psycopg.connect(web.database.worker) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
