"""No page asks the database more than a dozen questions, and none asks more because there is more to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from engine import facade
from engine.kit.ids import uuid7
from engine.model.flow import FlowLimit, FlowOptions
from tenants.models import Tenant
from tenants.services import membership_set, user_create
from tests.integration.api.test_query_budgets import counted
from tests.support.runs import start

pytestmark = pytest.mark.django_db

MOST_OF_A_RUN = 15  # of an open one: what it does and why it waits is told by nine tables
MOST_OF_A_PAGE = 12
PASSWORD = "correct horse battery"
PATHS = [
    "",
    *("circuits/", "circuits/of/resource-0", "circuits/open/", "circuits/reset/"),
    *("dead-letters/", "dead-letters/{letter}/", "dead-letters/purge/", "dead-letters/{letter}/purge/"),
    *("queues/", "queues/queue-0/", "queues/queue-0/pause/", "limits/", "limits/of/concurrency/key-0"),
    *("settings/retention/", "workers/", "runs/{run}/", "runs/{run}/arguments/", "schedules/"),
]


@pytest.fixture
def tenant_id() -> UUID:
    """Only its row: its schema holds nothing that these pages read."""
    tenant = Tenant(slug="pages", name="Pages", schema_name="tenant_pages")
    Tenant.objects.bulk_create([tenant])
    return tenant.pk


@pytest.fixture
def client(tenant_id: UUID) -> Iterator[Client]:
    user, _ = user_create(email="owner@pages.test", password=PASSWORD, actor="test")
    membership_set(tenant=Tenant.objects.get(pk=tenant_id), user=user, roles=["tenant_admin"], actor="test")
    browser = Client()
    assert browser.post("/login", {"login": user.email, "password": PASSWORD}).status_code == 302
    yield browser
    connection.set_schema_to_public()  # a request leaves its tenant's schema on the connection, which the next test gets


def add_things(tenant_id: UUID, quantity: int) -> dict[str, UUID]:
    """So many of everything; the ids of the last ones."""
    made: dict[str, UUID] = {}
    for number in range(quantity):
        made["run"] = start(
            connection.connection,
            tenant_id,
            queue=f"queue-{number}",
            flow=FlowOptions(limits=(FlowLimit("concurrency", f"key-{number}", 3),)),
        )
        place = {"resource_key": f"resource-{number}", "seconds": 60, "reason": "x"}
        facade.open_breaker(connection.connection, tenant_id=tenant_id, **place)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant_id)])
            made["letter"] = uuid7()
            cursor.execute(
                "INSERT INTO highway.dead_letter (tenant_id, dead_letter_id, reason, workflow_run_id, error) VALUES (%s, %s, 'poison', %s, %s)",
                [tenant_id, made["letter"], made["run"], json.dumps({"message": "it fell"})],
            )
            cursor.execute(
                "INSERT INTO highway.flow_limit (tenant_id, kind, key, capacity) VALUES (%s, 'concurrency', %s, 3) ON CONFLICT DO NOTHING",
                [tenant_id, f"key-{number}"],
            )
    return made


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_little_and_not_more_when_there_is_more(
    client: Client, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    asked = []
    for quantity in (1, 8):
        things = add_things(tenant_id, quantity)
        client.get("/t/pages/runs/")  # who was there last is noted once
        with counted(monkeypatch) as queries:
            answer = client.get(f"/t/pages/{path.format(**things)}")
        assert answer.status_code == 200, answer.content[:500]
        asked.append(queries)
    assert 2 <= len(asked[0]) <= (MOST_OF_A_RUN if path == "runs/{run}/" else MOST_OF_A_PAGE), asked[0]
    assert len(asked[1]) == len(asked[0]), asked
