"""No mutating route escapes R12."""

from __future__ import annotations

import re

import django
import pytest

django.setup()

from highway_platform.routes import all_routes  # noqa: E402 - needs Django to be set up
from tests.crash.endpoints import ENDPOINTS, EXEMPT  # noqa: E402

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
MUTATING = {
    route.name.removeprefix("api:"): (route.method, re.sub("<[^>]+>", "{}", route.path.removeprefix("api/v1/")))
    for route in all_routes()
    if route.name.startswith("api:") and route.method in CHANGES
}


def test_every_mutating_route_is_repeated_or_exempt_for_a_reason() -> None:
    assert set(MUTATING) == set(ENDPOINTS) | set(EXEMPT)
    assert not set(ENDPOINTS) & set(EXEMPT)
    assert all(len(reason) > 20 for reason in EXEMPT.values())


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_request_goes_to_its_route(name: str) -> None:
    method, path = MUTATING[name]
    endpoint = ENDPOINTS[name]
    assert (endpoint.method, endpoint.path.replace("concurrency", "{}")) == (method, path)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_another_body_is_another_one(name: str) -> None:
    endpoint = ENDPOINTS[name]
    assert endpoint.other is None or endpoint.sent("x") != endpoint.sent_otherwise("x")
