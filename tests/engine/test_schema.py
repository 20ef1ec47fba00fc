"""The schema and every query in the files hold together."""

from __future__ import annotations

import re
from uuid import UUID

import psycopg
import pytest

from engine.db.connection import connect
from engine.db.queries import SQL_DIRECTORY, Query, load
from tests.support.databases import Database
from tests.support.runs import start

QUERIES = [
    pytest.param(query, id=f"{path.stem}.{query.name}")
    for path in sorted((SQL_DIRECTORY / "queries").glob("*.sql"))
    for query in load(path.stem).queries.values()
]
TENANT_TABLES = """
    SELECT c.relname FROM pg_class AS c
     WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r'
       AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
"""


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_prepares_on_a_fresh_database(query: Query, module_database: Database) -> None:
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${1 + query.parameters.index(match[1])}", query.sql.decode())
    with psycopg.connect(module_database.worker) as connection:
        connection.execute("PREPARE checked AS " + numbered.replace("%%", "%"))  # type: ignore[arg-type]


def test_every_query_has_a_purpose() -> None:
    assert all(len(parameter.values[0].purpose) > 10 for parameter in QUERIES)  # type: ignore[attr-defined]


def test_every_table_with_a_tenant_forces_row_level_security_and_puts_the_tenant_first(
    module_database: Database,
) -> None:
    with psycopg.connect(module_database.superuser) as connection:
        tables = [row[0] for row in connection.execute(TENANT_TABLES)]
        assert len(tables) >= 11
        for table in tables:
            forced = connection.execute(
                "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
                [f"highway.{table}"],
            ).fetchone()
            first = connection.execute(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
                " WHERE i.indrelid = %s::regclass AND i.indisprimary",
                [f"highway.{table}"],
            ).fetchone()
            assert forced == (True,), table
            assert first == ("tenant_id",), table


def test_no_application_role_owns_anything_in_the_schema(module_database: Database) -> None:
    with psycopg.connect(module_database.superuser) as connection:
        owners = {
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'highway'::regnamespace"
            )
        }
    assert owners == {"highway_owner"}


def test_the_web_role_sees_nothing_without_a_tenant_and_only_its_own_with_one(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    with connect(module_database.web) as connection:
        mine = start(connection, tenant)
        theirs = start(connection, other_tenant)
        for table in ("workflow_run", "task", "workflow_definition"):
            assert connection.execute(f"SELECT count(*) FROM highway.{table}").fetchone() == (0,)
        with connection.transaction():
            connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
            runs = {row[0] for row in connection.execute("SELECT workflow_run_id FROM highway.workflow_run")}
            changed = connection.execute("UPDATE highway.task SET priority = 9 WHERE task_id = %s", [theirs]).rowcount
        assert runs == {mine}
        assert changed == 0


def test_the_web_role_cannot_write_a_row_for_another_tenant(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    with (
        connect(module_database.web) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        connection.transaction(),
    ):
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
        connection.execute("INSERT INTO highway.counter (tenant_id, name) VALUES (%s, 'stolen')", [other_tenant])


def test_identifiers_of_both_makers_are_version_7_and_sort_by_time(module_database: Database) -> None:
    from engine.kit.ids import uuid7

    with psycopg.connect(module_database.worker) as connection:
        row = connection.execute("SELECT highway.uuid7()").fetchone()
        assert row is not None
        from_sql: UUID = row[0]
    from_python = uuid7()
    assert (from_sql.version, from_python.version) == (7, 7)
    assert abs((from_sql.int >> 80) - (from_python.int >> 80)) < 5_000
