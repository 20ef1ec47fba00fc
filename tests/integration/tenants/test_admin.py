"""The administration pages: for platform staff alone, on public tables alone."""

from __future__ import annotations

import re

import pytest

from tests.integration.api.people import Person, signed_in
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def web(stack: Stack) -> Stack:
    stack.start_web()
    stack.manage("create_tenant", "acme")
    return stack


@pytest.fixture(scope="module")
def staff(web: Stack) -> Person:
    printed = web.manage("bootstrap", "--email", "staff@example.com").stdout
    password = re.search(r"password: (\S+)", printed)
    assert password
    person = Person(web.url)
    person.sign_in("staff@example.com", password[1])
    return person


@pytest.mark.parametrize(
    "page", ["", "user/", "user/add/", "tenant/", "membership/", "membership/add/", "apikey/", "auditentry/"]
)
def test_staff_see_every_page(staff: Person, page: str) -> None:
    assert staff.get(f"/admin/tenants/{page}").status == 200


def test_the_pages_have_a_policy_of_their_own_and_others_keep_the_strict_one(staff: Person) -> None:
    assert "unsafe-eval" in staff.get("/admin/").headers["Content-Security-Policy"]
    strict = staff.get("/?choose").headers["Content-Security-Policy"]
    assert "unsafe" not in strict
    assert "require-trusted-types-for 'script'" in strict
    assert re.search(r"script-src 'self' 'nonce-[^']+'", strict)


def test_a_tenant_admin_is_no_platform_staff(web: Stack) -> None:
    person = signed_in(web, "tenant-admin@example.com", "acme", "tenant_admin")
    assert person.get("/admin/tenants/tenant/").status in {302, 403}
    assert b"acme" not in person.get("/admin/tenants/tenant/").raw


def test_nobody_signs_in_where_everybody_does(web: Stack) -> None:
    person = Person(web.url)
    first = person.get("/admin/")
    assert first.headers["Location"].startswith("/admin/login/")
    assert person.get(first.headers["Location"]).headers["Location"].startswith("/login")
