"""`highway-sdk` 1.0.1, unchanged, drives every operation that is served, against a live server with real runs."""

from __future__ import annotations

from collections.abc import Iterator

import highway_sdk
import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.clients import (
    operations_activities,
    operations_approvals,
    operations_artifacts,
    operations_figures,
    operations_guards,
    operations_messages,
    operations_runs,
    operations_schedules,
    operations_templates,
    operations_workers,
)
from tests.integration.clients.operations_table import CHECKS, NOT_YET_GROUPS, Cast, Check
from tests.integration.clients.sdk import Sdk, operations
from tests.integration.clients.world import make_world
from tests.support.stack import Stack

# Importing them fills the table.
PARTS = (
    *(operations_runs, operations_messages, operations_schedules, operations_artifacts),
    *(
        operations_activities,
        operations_approvals,
        operations_guards,
        operations_figures,
        operations_workers,
        operations_templates,
    ),
)


@pytest.fixture(scope="module")
def cast(live: Stack) -> Iterator[Cast]:
    live.manage("create_tenant", "acme")
    live.manage("create_tenant", "operations")
    owner = make_key(live, "acme", "--role", "tenant_admin")
    readers = ("--permission", "platform.worker:manage", "--permission", "workflows.worker:read")
    operator = make_key(live, "operations", *readers)
    with (
        highway_sdk.ApiClient(highway_sdk.Configuration(host=live.url, access_token=owner)) as owner_client,
        highway_sdk.ApiClient(highway_sdk.Configuration(host=live.url, access_token=operator)) as operator_client,
    ):
        world = make_world(Client(live.url, owner))
        yield Cast(Sdk(owner_client), Sdk(operator_client), world)
        world.api.post(f"/api/v1/workflows/{world.busy}/cancel")


def test_every_operation_of_the_client_is_driven_or_named_as_missing() -> None:
    known = operations()
    assert len(known) == 168
    missing = {name for name, operation in known.items() if operation.group in NOT_YET_GROUPS}
    assert CHECKS.keys() | missing == known.keys()
    assert CHECKS.keys() & missing == set()
    assert {known[name].group for name in missing} == NOT_YET_GROUPS


@pytest.mark.parametrize("check", dict.fromkeys(CHECKS.values()), ids=lambda check: check.__name__)
def test_the_client_drives(cast: Cast, check: Check) -> None:
    check(cast)
