"""Permissions cannot be forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import django
import pytest

django.setup()

from django.http import HttpRequest, HttpResponse  # noqa: E402 - needs Django to be set up
from django.urls import path  # noqa: E402

from highway_platform import checks, tenant_urls  # noqa: E402
from highway_platform.kit.edges import screen  # noqa: E402
from highway_platform.kit.permissions import NOBODY, Access, PermissionMissingError, mint_grant  # noqa: E402
from highway_platform.public_routes import PUBLIC_ROUTES  # noqa: E402
from highway_platform.routes import all_routes  # noqa: E402
from tenants.permissions import PERMISSIONS, ROLES, permissions_named  # noqa: E402

ROOT = Path(__file__).parents[2]
EDGES = {"highway_platform/kit/permissions.py", "highway_platform/kit/edges.py", "highway_platform/kit/rest/router.py"}


def naked(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_every_route_names_its_permission() -> None:
    assert checks.every_route_names_a_permission() == []


def test_every_public_route_exists() -> None:
    assert {route.name for route in all_routes() if route.is_public} == PUBLIC_ROUTES


@pytest.mark.parametrize(("view", "code"), [(naked, "highway.E001"), (screen("no.such:thing")(naked), "highway.E002")])
def test_a_route_without_a_known_permission_stops_every_start(
    monkeypatch: pytest.MonkeyPatch, view: object, code: str
) -> None:
    from django.urls import clear_url_caches

    monkeypatch.setattr(tenant_urls, "urlpatterns", [path("naked/", view, name="naked")])
    clear_url_caches()
    try:
        assert [message.id for message in checks.every_route_names_a_permission()] == [code]
    finally:
        clear_url_caches()


def test_only_edges_mint_grants() -> None:
    minting = {
        str(file.relative_to(ROOT))
        for package in ("highway_platform", "tenants", "workflows")
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"\bmint_grant\b|\bGrant\(", file.read_text())
    }
    assert minting <= EDGES


def test_nobody_and_strangers_get_no_grant() -> None:
    for access in (NOBODY, Access(kind="user", permissions=frozenset(PERMISSIONS))):
        with pytest.raises(PermissionMissingError):
            mint_grant(access, "workflows.run:read")


def test_roles_hold_known_permissions_only_and_none_of_the_platform() -> None:
    for role, permissions in ROLES.items():
        assert permissions <= set(PERMISSIONS), role
        assert not {name for name in permissions if name.startswith("platform.")}, role


def test_aliases_of_public_clients_stand_for_permissions() -> None:
    assert "workflows.run:submit" in permissions_named(["submit_workflows"])
    assert permissions_named(["view_workflows"]) >= {"workflows.run:read", "workflows.definition:read"}
    with pytest.raises(KeyError):
        permissions_named(["fly"])
