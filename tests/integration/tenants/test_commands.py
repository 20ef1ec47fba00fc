"""The commands that set an installation up."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.integration.api.people import Person
from tests.support.stack import Stack


@pytest.fixture(scope="module", autouse=True)
def tenants(stack: Stack) -> None:
    for slug in ("default", "demo"):
        stack.manage("create_tenant", slug)


@pytest.fixture(scope="module")
def web(stack: Stack) -> Stack:
    stack.start_web()
    return stack


def scalar(stack: Stack, query: str) -> object:
    with psycopg.connect(stack.database.superuser) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_bootstrap_says_the_password_once_and_changes_nothing_the_second_time(stack: Stack, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    first = stack.manage("bootstrap", "--key-file", str(key_file)).stdout
    key = key_file.read_text()
    second = stack.manage("bootstrap", "--key-file", str(key_file)).stdout
    assert re.search(r"^password: \S{20}$", first, re.M)
    assert "password" not in second
    assert key_file.read_text() == key
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert scalar(stack, "SELECT count(*) FROM tenants_apikey") == 1


def test_the_administrator_signs_in_and_lands_in_a_tenant_s_chooser(web: Stack) -> None:
    printed = web.manage("bootstrap", "--email", "root@example.com").stdout
    password = re.search(r"password: (\S+)", printed)
    assert password
    person = Person(web.url)
    wrong = person.sign_in("root@example.com", "not the password")
    assert wrong.status == 200
    assert person.sign_in("ROOT@example.com", password[1]).headers["Location"] == "/"
    assert b"/t/demo/" in person.get("/").raw
    assert person.get("/t/demo/").status == 200
    assert person.get("/").headers["Location"] == "/t/demo/"  # the tenant that was looked at last
    assert b"/t/default/" in person.get("/?choose").raw
    assert person.get("/admin/").status == 200


def test_two_tabs_show_two_tenants(web: Stack) -> None:
    printed = web.manage("add_member", "two@example.com", "demo", "--role", "tenant_admin").stdout
    web.manage("add_member", "two@example.com", "default", "--role", "tenant_admin")
    password = re.search(r"password: (\S+)", printed)
    assert password
    person = Person(web.url)
    person.sign_in("two@example.com", password[1])
    for slug in ("demo", "default", "demo"):
        page = person.get(f"/t/{slug}/runs/").raw.decode()
        assert set(re.findall(r'href="/t/([a-z]+)/', page)) == {slug}


def test_tenants_made_at_once_do_not_trip_over_each_other(stack: Stack) -> None:
    with ThreadPoolExecutor(4) as pool:
        slugs = ["one", "two", "three", "one"]
        made = list(pool.map(lambda slug: stack.manage("create_tenant", slug).stdout.split()[0], slugs))
    assert made == slugs
    schemas = scalar(
        stack,
        "SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_namespace WHERE nspname ~ '^tenant_(one|two|three)$'",
    )
    assert schemas == ["tenant_one", "tenant_three", "tenant_two"]


def test_nobody_who_logs_in_owns_a_table(stack: Stack) -> None:
    owners = (
        "SELECT array_agg(DISTINCT tableowner::text) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
    )
    assert scalar(stack, owners) == ["highway_owner"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create_tenant", "Not a slug"), "is no slug"),
        (("create_api_key", "ghost"), "there is no tenant 'ghost'"),
        (("create_api_key", "default", "--permission", "fly"), "there is no permission 'fly'"),
        (("add_member", "a@example.com", "default", "--role", "king"), "unknown roles: king"),
    ],
)
def test_a_wrong_argument_ends_in_one_clear_line(stack: Stack, arguments: tuple[str, ...], words: str) -> None:
    done = stack.manage(*arguments, check=False)
    assert done.returncode != 0
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_worker_does_not_start_for_a_side_that_a_queue_does_not_have(stack: Stack) -> None:
    refused = stack.manage("runworker", "--queues", "default,gpu:activity", check=False)
    assert refused.returncode != 0
    assert "'gpu:activity' is no queue" in refused.stderr
