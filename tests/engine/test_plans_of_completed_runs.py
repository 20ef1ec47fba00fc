"""Where nearly all runs are completed, the few others, or that there are none, are found without reading the many."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.upkeep import Retention
from tests.engine.test_plans import Case, assert_few_rows
from tests.support.databases import Database
from tests.support.history import History

RUNS = 20_000
_COMPLETED = """
WITH run AS (
    INSERT INTO highway.workflow_run (tenant_id, workflow_run_id, definition_id, definition_hash, name, version, status, started_at, finished_at)
    SELECT %(tenant)s, highway.uuid7(), %(tenant)s, 'h', 'flow', 1, 'completed', now(), now() - make_interval(days => %(days)s)
      FROM generate_series(1, %(runs)s)
    RETURNING tenant_id, workflow_run_id
)
INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, state, queue, attempt, epoch, available_at, finished_at)
SELECT r.tenant_id, r.workflow_run_id, r.workflow_run_id, 'workflow', 'completed', 'default', 1, 1, now(), now() FROM run AS r
"""
_WEB = ("web",)
CASES = [
    Case("run.list", {"statuses": ["failed"]}, _WEB),
    Case("run.list", {"statuses": ["failed", "running"], "created_from": "2020-01-01T00:00:00Z"}, _WEB),
    Case("run.list", {"statuses": ["completed"]}, _WEB),
    Case("run.count_by_status", {"cap": 1000}, _WEB),
    Case("run.count_by_status", {"cap": 1000, "created_from": "2020-01-01T00:00:00Z"}, _WEB),
    Case("statistics.timeline", {"since": "2020-01-01T00:00:00Z", "walk": 50, "quantity": 100}, _WEB),
    Case("task_view.list_in", {"states": ["failed", "completed"], "queues": ["default", "other"]}, _WEB),
    Case("task_view.count", {"states": ["completed", "pending"], "queues": ["default"], "cap": 1000}, _WEB),
    Case("task_view.active", {"minutes": 5}, _WEB),
    Case("task_view.troubles", {"quantity": 500}, _WEB),
    Case("activity.list", {"worker_id": None, "after": None}, _WEB),
    Case("activity.count_by_state", {"cap": 500}, _WEB),
]  # fmt: skip


@pytest.fixture(scope="module")
def completed(module_database: Database) -> tuple[Database, History]:
    return module_database, _tenant_with_completed_runs(module_database, days=0)


@pytest.fixture(scope="module")
def kept_for_ever(module_database: Database) -> tuple[Database, History]:
    """A year ago, by a policy that forgets the others after ninety days."""
    history = _tenant_with_completed_runs(module_database, days=365)
    with connect(module_database.web) as connection:
        facade.set_retention(connection, tenant_id=history.tenant, policy=Retention(None, 90))
    return module_database, history


def _tenant_with_completed_runs(database: Database, days: int) -> History:
    tenant = uuid4()
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(_COMPLETED, {"tenant": tenant, "runs": RUNS, "days": days})
        connection.execute("VACUUM ANALYZE highway.workflow_run, highway.task")
    return History(tenant, UUID(int=0))


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.query}-{n}") for n, case in enumerate(CASES)])
def test_a_rare_state_is_found_without_reading_the_common_one(completed: tuple[Database, History], case: Case) -> None:
    assert_few_rows(*completed, case, "web")


@pytest.mark.parametrize(
    "case",
    [
        Case("retention.tenants_after", {"after_tenant": UUID(int=0)}),
        Case("retention.forget_old_runs", {}),
        Case("retention.preview", {"keep_completed_days": None, "keep_failed_days": 90, "cap": 1000}),
    ],
    ids=lambda case: case.query,
)
def test_what_is_to_be_forgotten_is_found_without_reading_what_is_kept(
    kept_for_ever: tuple[Database, History], case: Case
) -> None:
    assert_few_rows(*kept_for_ever, case, "worker")
