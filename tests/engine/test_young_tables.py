"""Tables that grow are counted for the planner before autovacuum comes by."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.facade.tenancy import tenant_transaction
from engine.queue.claims import claim
from engine.services.statistics import count_what_has_grown
from tests.support.databases import Database
from tests.support.runs import ONE_TASK, WORKER, scalar

RUNS = 3_000
COUNTED = "SELECT reltuples FROM pg_class WHERE oid = 'highway.task'::regclass"
OTHER_THAN_THE_KEY = """
    SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes
     WHERE relid = 'highway.task'::regclass AND indexrelname NOT IN ('task_pkey', 'task_due')"""


def _submit(connection: psycopg.Connection, tenant: UUID, count: int) -> None:
    definition = facade.register(connection, tenant_id=tenant, definition=ONE_TASK).definition_id
    for _ in range(0, count, 1_000):
        facade.submit_many(connection, tenant_id=tenant, definition_id=definition, inputs=[{}] * 1_000)


def test_a_table_is_counted_when_it_has_grown_much_and_not_again_before(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        assert count_what_has_grown(connection, uuid4()) == 0, "all are empty"
        _submit(connection, tenant, RUNS)
        assert count_what_has_grown(connection, uuid4()) >= 2, "runs and tasks"
        assert scalar(connection, COUNTED) == RUNS
        assert count_what_has_grown(connection, uuid4()) == 0
        _submit(connection, tenant, 4 * RUNS)
        assert count_what_has_grown(connection, uuid4()) >= 2
        assert scalar(connection, COUNTED) == 5 * RUNS


def test_what_is_still_being_written_is_counted_when_it_is_there(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection, connect(database.worker) as writer:
        with tenant_transaction(writer, tenant):
            _submit(writer, tenant, RUNS)
            assert count_what_has_grown(connection, uuid4()) == 0, "nobody else sees any of it"
        assert count_what_has_grown(connection, uuid4()) >= 2
        assert scalar(connection, COUNTED) == RUNS


def test_so_is_what_somebody_else_counted_while_it_was_being_written(database: Database, tenant: UUID) -> None:
    """Autovacuum, say: the table is known to be large, and to have no rows."""
    with connect(database.worker) as connection, connect(database.worker) as writer:
        with tenant_transaction(writer, tenant):
            _submit(writer, tenant, RUNS)
            with connect(database.superuser) as superuser:
                superuser.execute("ANALYZE highway.task")
                assert scalar(superuser, COUNTED) < RUNS / 4
        writer.execute("SELECT pg_stat_force_next_flush()")
        writer.execute("SELECT 1")
        count_what_has_grown(connection, uuid4())
        assert scalar(connection, COUNTED) == RUNS
        assert count_what_has_grown(connection, uuid4()) == 0


def test_a_worker_that_has_planned_with_empty_tables_plans_anew(database: Database, tenant: UUID) -> None:
    """Whatever index it took for the key while all of them were empty, it reads no tenant's tasks for each task from then on."""
    with connect(database.worker, plan_once=True) as worker, connect(database.superuser) as observer:
        claim(worker, worker_id=WORKER, queues=("default",), quantity=100)
        _submit(worker, tenant, RUNS)
        count_what_has_grown(worker, uuid4())
        worker.execute("SELECT pg_stat_force_next_flush()")
        before = scalar(observer, OTHER_THAN_THE_KEY)
        for _ in range(5):
            assert len(claim(worker, worker_id=WORKER, queues=("default",), quantity=100)) == 100
        worker.execute("SELECT pg_stat_force_next_flush()")
        worker.execute("SELECT 1")
        assert scalar(observer, OTHER_THAN_THE_KEY) - before < 2 * RUNS


@pytest.mark.parametrize("function", ["count_what_has_grown()", "count_table('highway.task')"])
def test_the_web_counts_nothing(database: Database, function: LiteralString) -> None:
    with connect(database.web) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(f"SELECT highway.{function}")  # type: ignore[arg-type]


def test_a_worker_counts_no_table_of_others(database: Database) -> None:
    last = "SELECT pg_stat_get_last_analyze_time('pg_catalog.pg_class'::regclass)"
    with connect(database.worker) as worker:
        before = scalar(worker, last)
        worker.execute("SELECT highway.count_table('pg_catalog.pg_class')")
        worker.execute("SELECT pg_stat_force_next_flush()")
        assert scalar(worker, last) == before
