"""Runs that ended long ago, with a row in every table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from engine.queue.writes import Finished, TaskWrites
from tests.support.databases import Database
from tests.support.runs import scalar, start, take, write

# A value for each type of column that must have one; a column of another type fails the test that needs it.
_VALUES = {
    "uuid": "gen_random_uuid()",
    "text": "gen_random_uuid()::text",
    "jsonb": "'{}'::jsonb",
    "boolean": "false",
    "smallint": "1",
    "integer": "(random() * 1e9)::int",
    "bigint": "(random() * 1e9)::bigint",
    "double precision": "1",
    "timestamp with time zone": "now()",
    "bytea": "''::bytea",
    "text[]": "'{}'::text[]",
    "uuid[]": "'{}'::uuid[]",
}
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute AS a
     WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef
"""
_CHECKS = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')"


def ended_run(
    database: Database,
    connection: psycopg.Connection[Any],
    tenant: UUID,
    *,
    days: int,
    state: str = "completed",
) -> UUID:
    """A run that ended so many days ago."""
    run = start(connection, tenant, queue=str(tenant))
    (task,) = take(database.worker, queues=(str(tenant),))
    write(
        database.worker,
        TaskWrites(task, exit=Finished(state, error={"kind": "tool"} if state != "completed" else None)),
    )  # type: ignore[arg-type]
    for table in ("workflow_run", "task"):
        connection.execute(
            f"UPDATE highway.{table} SET finished_at = current_date - %s::int WHERE workflow_run_id = %s",  # type: ignore[arg-type]
            [days, run],
        )
    return run


def give_everything(superuser: psycopg.Connection[Any], tables: list[str], tenant: UUID, run: UUID) -> None:
    """A row of the run in every table, whatever the table says about its values: what checks them is taken away, as this database is thrown away."""
    for table in tables:
        if table in ("workflow_run", "task"):
            continue
        name = sql.Identifier("highway", table)
        for (constraint,) in superuser.execute(_CHECKS, [f"highway.{table}"]).fetchall():
            superuser.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(constraint)))
        values = {
            column: sql.SQL(_VALUES[kind])
            for column, kind in superuser.execute(_COLUMNS, [f"highway.{table}"]).fetchall()
        }
        values |= {"tenant_id": sql.Literal(str(tenant)), "workflow_run_id": sql.Literal(str(run))}
        if "task_id" in values:
            values["task_id"] = sql.Literal(str(run))
        columns = sql.SQL(", ").join(map(sql.Identifier, values))
        superuser.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, columns, sql.SQL(", ").join(values.values()))
        )


def is_there(connection: psycopg.Connection[Any], run: UUID) -> bool:
    """Whether the run is still known."""
    return bool(scalar(connection, "SELECT count(*) FROM highway.workflow_run WHERE workflow_run_id = %s", run))
