"""A past: finished runs by the million, as copies of one that really ran, so that they have whatever rows a run leaves in this version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from launch.terminal import say

CHUNK = 100_000
# Tables that hold rows of runs. Partitions are filled by their parents.
TABLES = """
    SELECT c.oid::regclass::text, c.oid FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'workflow_run_id'
     WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped"""
COLUMNS = """
    SELECT attname, atttypid = 'uuid'::regtype FROM pg_attribute
     WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum"""
# Pages of real rows have grown beyond their fill factor, as the rows were written to. Copies that end below it leave room for one new row in each of a
# million pages, and every new run would go into another old page.
GROWN_PERCENT = 8
FILLED = """
    SELECT c.oid::regclass::text, o.option_value::int FROM pg_class AS c CROSS JOIN pg_options_to_table(c.reloptions) AS o
     WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r' AND o.option_name = 'fillfactor'"""
# In milliseconds, and the same in every statement: a copy has one identifier in all tables.
A_DAY_AGO = "SELECT ('x' || left(replace(%s::uuid::text, '-', ''), 12))::bit(48)::bigint - 86400000"
# A time-ordered identifier of the past for the n-th copy: older than all that are made from now on.
NEW_ID = sql.SQL(
    "(lpad(to_hex(%(since)s::bigint + n / 1000), 12, '0')"
    " || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8000' || lpad(to_hex(n), 12, '0'))::uuid"
)


def grow(connection: psycopg.Connection[Any], example: UUID, before: int, count: int) -> None:
    """Make copies number ``before`` to ``count`` of a finished run; then what autovacuum would do in time. A superuser's connection."""
    copies = [_copy(connection, name, oid) for name, oid in connection.execute(TABLES).fetchall()]
    filled = connection.execute(FILLED).fetchall()
    _fill(connection, filled, GROWN_PERCENT)
    ((since,),) = connection.execute(A_DAY_AGO, [example]).fetchall()
    connection.execute("SET statement_timeout = 0")
    for low in range(before, count, CHUNK):
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # no trigger tells anybody of these
            for copy in copies:
                connection.execute(
                    copy, {"low": low + 1, "high": min(low + CHUNK, count), "example": example, "since": since}
                )
        if low % (10 * CHUNK) == 0 and low:
            say(f"  {low:,} finished runs")
    _fill(connection, filled, 0)
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


def _fill(connection: psycopg.Connection[Any], tables: list[tuple[str, int]], more: int) -> None:
    for table, percent in tables:
        # The name is one that PostgreSQL wrote, quoted where it must be.
        statement = sql.SQL("ALTER TABLE {} SET (fillfactor = {})").format(
            sql.SQL(table), sql.Literal(min(100, percent + more))
        )
        connection.execute(statement)


def _copy(connection: psycopg.Connection[Any], table: str, oid: int) -> sql.Composed:
    """The statement that copies the example's rows of one table: its own id, wherever it stands, becomes the copy's."""
    columns = connection.execute(COLUMNS, [oid]).fetchall()
    values = [
        sql.SQL("CASE WHEN t.{0} = %(example)s THEN {1} ELSE t.{0} END").format(sql.Identifier(name), NEW_ID)
        if is_uuid
        else sql.SQL("t.{}").format(sql.Identifier(name))
        for name, is_uuid in columns
    ]
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} AS t CROSS JOIN generate_series(%(low)s::bigint, %(high)s::bigint) AS n"
        " WHERE t.workflow_run_id = %(example)s"
    ).format(
        table=sql.SQL(table),  # a name that PostgreSQL wrote, quoted where it must be
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ").join(values),
    )
