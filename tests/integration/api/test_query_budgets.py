"""No answer asks the database more than a dozen questions, the key among them, and none asks more because there is more to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from engine.db.queries import Query
from tenants.keys import api_key_create
from tenants.models import Tenant
from tenants.permissions import ROLES
from tests.support.runs import start

pytestmark = pytest.mark.django_db

MOST_QUERIES = 11  # besides the key
ONE = "workflows/{run}"
PATHS = [
    *("workflows", "runs?state=pending", ONE, "runs/{run}", f"{ONE}/steps", f"{ONE}/steps/only", f"{ONE}/steps/logs"),
    *(
        f"{ONE}/steps/only/logs",
        f"{ONE}/checkpoints",
        f"{ONE}/events",
        f"{ONE}/signals",
        f"{ONE}/query",
        f"{ONE}/graph",
    ),
    *(
        f"{ONE}/metrics",
        "workflows/stats",
        "tasks",
        "tasks?state=pending&queue=default",
        "tasks/summary",
        "tasks/{run}",
    ),
    *("monitoring/live", "analytics/events", "analytics/performance", "analytics/queues", "analytics/queues/default"),
    *("analytics/tasks/distribution", "analytics/tasks/list", "logs/workflows", "logs/stats", "logs/workflows/{run}"),
    *("logs/workflows/{run}/tasks/only", "workers", "workers/summary", "health/metrics"),
]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every query that is sent within, Django's own and the engine's. Transactions and the tenant's setting are not counted."""
    asked: list[str] = []
    send = Query.send

    def count_engine(query: Query, *arguments: Any, **values: Any) -> Any:
        asked.append(query.name)
        return send(query, *arguments, **values)

    def count_django(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "SELECT set_config", "SET search_path")):
            asked.append(sql[:60])
        return execute(sql, parameters, many, context)

    with monkeypatch.context() as patch, connection.execute_wrapper(count_django):
        patch.setattr(Query, "send", count_engine)
        yield asked


@pytest.fixture
def tenant_id() -> UUID:
    """Only its row: its schema holds nothing that these answers read."""
    tenant = Tenant(slug="budget", name="Budget", schema_name="tenant_budget")
    Tenant.objects.bulk_create([tenant])
    return tenant.pk


@pytest.fixture
def client(tenant_id: UUID) -> Iterator[Client]:
    key = api_key_create(
        tenant=Tenant.objects.get(pk=tenant_id),
        name="budget",
        permissions=ROLES["tenant_admin"],
        created_by=None,
        expires_at=None,
        actor="test",
    )
    yield Client(headers={"Authorization": f"Bearer {key.secret}"})
    connection.set_schema_to_public()  # a request leaves its tenant's schema on the connection, which the next test gets


STEP = """
WITH made AS (SELECT unnest(%(runs)s::uuid[]) AS run), done AS (
    INSERT INTO highway.checkpoint (tenant_id, workflow_run_id, scope, step_key, operator, outcome, started_at)
    SELECT %(tenant)s, run, '', 'only', 'task', 'succeeded', now() FROM made
)
INSERT INTO highway.journal (tenant_id, workflow_run_id, step_key, kind, data)
SELECT %(tenant)s, run, 'only', told.kind, told.data
  FROM made, (VALUES ('attempt_failed', '{"attempt": 1, "error": {"kind": "tool"}}'::jsonb),
                     ('log', '{"level": "info", "message": "said"}')) AS told (kind, data)
"""


def add_runs(tenant_id: UUID, quantity: int) -> UUID:
    """Runs with a finished step, a failed attempt and a log line each; the id of the last."""
    runs = [start(connection.connection, tenant_id) for _ in range(quantity)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant_id)])
        cursor.execute(STEP, {"tenant": tenant_id, "runs": runs})
    return runs[-1]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_asks_little_and_not_more_when_there_is_more(
    client: Client, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    asked = []
    for quantity in (1, 15):
        run = add_runs(tenant_id, quantity)
        client.get("/api/v1/workflows")  # the key's use is noted once a minute
        with counted(monkeypatch) as queries:
            answer = client.get(f"/api/v1/{path.format(run=run)}")
        assert answer.status_code == 200, answer.content
        asked.append(queries)
    assert 1 <= len(asked[0]) <= MOST_QUERIES, asked[0]
    assert len(asked[1]) == len(asked[0]), asked
