"""The cast: an owner, a member without the right, a stranger from another tenant, and nobody. One server a module."""

from __future__ import annotations

import pytest

from tests.integration.api.client import Client
from tests.support.stack import Stack


def make_key(stack: Stack, tenant: str, *options: str) -> str:
    return stack.manage("create_api_key", tenant, *options).stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def tenants(stack: Stack) -> None:
    stack.manage("create_tenant", "acme")
    stack.manage("create_tenant", "other")


@pytest.fixture(scope="module")
def owner(live: Stack, tenants: None) -> Client:
    """Holds every permission of tenant acme."""
    return Client(live.url, make_key(live, "acme", "--role", "tenant_admin"))


@pytest.fixture(scope="module")
def member(live: Stack, tenants: None) -> Client:
    """A member of acme without the right: holds one permission that no route of workflows asks for."""
    return Client(live.url, make_key(live, "acme", "--permission", "tenants.audit:read"))


@pytest.fixture(scope="module")
def stranger(live: Stack, tenants: None) -> Client:
    """Holds every permission of another tenant."""
    return Client(live.url, make_key(live, "other", "--role", "tenant_admin"))


@pytest.fixture(scope="module")
def operator(live: Stack, tenants: None) -> Client:
    """An operator of the platform: may tell workers what to do."""
    return Client(live.url, make_key(live, "other", "--permission", "platform.worker:manage"))


@pytest.fixture(scope="module")
def nobody(live: Stack) -> Client:
    """Shows no key."""
    return Client(live.url)
