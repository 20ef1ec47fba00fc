"""Functions of the facade that share a transaction: whom it speaks for, and what a refusal takes back."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.facade.tenancy import speaking_for, tenant_transaction
from tests.support.databases import Database
from tests.support.runs import scalar, start


def _tenant(connection: psycopg.Connection[Any]) -> str:
    return str(scalar(connection, "SELECT current_setting('highway.tenant_id', true)"))


def _depth(connection: psycopg.Connection[Any]) -> int:
    """How many transactions and savepoints are open: what is begun outside of them has another number."""
    connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS seen (n int) ON COMMIT PRESERVE ROWS")
    row = connection.execute(
        "INSERT INTO seen VALUES (1) RETURNING xmin::text::bigint, pg_current_xact_id()::text::bigint"
    ).fetchone()
    assert row is not None
    return int(row[0] != row[1])


def test_what_is_called_inside_joins_without_a_savepoint(database: Database, tenant: UUID) -> None:
    with connect(database.web) as connection:
        with tenant_transaction(connection, tenant):
            assert _depth(connection) == 0
            with tenant_transaction(connection, tenant):
                assert _depth(connection) == 0
                assert _tenant(connection) == str(tenant)
            with facade.attempt(connection):
                assert _depth(connection) == 1
        assert connection.info.transaction_status.name == "IDLE"


def test_a_refusal_ends_the_whole_transaction_unless_it_was_an_attempt(database: Database, tenant: UUID) -> None:
    with connect(database.web) as connection:
        run = start(connection, tenant)
        facade.kill(connection, tenant_id=tenant, workflow_run_id=run)
        refused = {"tenant_id": tenant, "workflow_run_id": run}
        with tenant_transaction(connection, tenant):
            with pytest.raises(StateError), facade.attempt(connection):
                facade.cancel(connection, **refused)
            assert facade.get_run(connection, **refused).status == "cancelled"
        with pytest.raises(psycopg.errors.InFailedSqlTransaction), tenant_transaction(connection, tenant):
            with pytest.raises(StateError):
                facade.cancel(connection, **refused)
            facade.get_run(connection, **refused)
        assert facade.get_run(connection, **refused).status == "cancelled", "the next one is a new transaction"


def test_another_tenant_inside_speaks_for_itself_alone(database: Database, tenant: UUID) -> None:
    other = uuid4()
    with connect(database.web) as connection, tenant_transaction(connection, tenant):
        run = start(connection, tenant)
        with tenant_transaction(connection, other):
            assert _tenant(connection) == str(other)
            with pytest.raises(facade.NotFoundError):
                facade.get_run(connection, tenant_id=other, workflow_run_id=run)
        assert _tenant(connection) == str(tenant)
        assert facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).workflow_run_id == run


def test_whoever_opened_the_transaction_himself_may_say_so(database: Database, tenant: UUID) -> None:
    with connect(database.web) as connection, connection.transaction():
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
        with speaking_for(connection, tenant):
            start(connection, tenant)
            assert _depth(connection) == 0
        start(connection, tenant)


def test_an_orders_transaction_takes_its_run_along(database: Database, tenant: UUID) -> None:
    """A caller that knows nothing of this: its transaction, its commit, its rollback."""
    with connect(database.web) as connection:
        with pytest.raises(ZeroDivisionError), connection.transaction():
            run = start(connection, tenant)
            raise ZeroDivisionError
        with pytest.raises(facade.NotFoundError):
            facade.get_run(connection, tenant_id=tenant, workflow_run_id=run)
