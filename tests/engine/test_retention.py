"""Ended runs are forgotten as the tenant's policy says, whole, and nothing that is still needed is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError
from engine.model.commands import StartChild
from engine.model.upkeep import Retention
from engine.queue.writes import Finished, TaskWrites
from engine.services.retention import old_runs
from tests.support.databases import Database
from tests.support.retention import ended_run, give_everything, is_there
from tests.support.runs import ONE_TASK, scalar, start, take, write

WITH_RUN = """
    SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'workflow_run_id'
     WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r'
       AND c.relname NOT IN ('idempotency', 'schedule_tick')  -- answers, and what has fired, outlive the runs
"""


def test_a_run_leaves_no_row_in_any_table_that_names_runs(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection, psycopg.connect(database.superuser, autocommit=True) as superuser:
        gone, kept = (ended_run(database, connection, tenant, days=40) for _ in range(2))
        tables = [row[0] for row in superuser.execute(WITH_RUN)]
        for run in (gone, kept):
            give_everything(superuser, tables, tenant, run)
        count = {table: _count(superuser, table, kept) for table in tables}
        assert min(count.values()) > 0
        assert scalar(connection, "SELECT highway.forget_runs(%s, %s)", tenant, [gone]) == 1
        assert {table: _count(superuser, table, gone) for table in tables} == dict.fromkeys(tables, 0)
        assert {table: _count(superuser, table, kept) for table in tables} == count


def test_every_table_that_names_runs_finds_the_rows_of_a_run_by_an_index(module_database: Database) -> None:
    with psycopg.connect(module_database.superuser) as superuser:
        for (table,) in superuser.execute(WITH_RUN).fetchall():
            firsts = {
                row[0]
                for row in superuser.execute(
                    "SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey[0:1]) WITH ORDINALITY AS k (attnum, n)"
                    "  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)"
                    "  FROM pg_index AS i WHERE i.indrelid = %s::regclass",
                    [f"highway.{table}"],
                )
            }
            assert table in ("wait", "slot") or "tenant_id,workflow_run_id" in firsts, (
                table
            )  # waits are found by their tasks


def _count(superuser: psycopg.Connection[Any], table: str, run: UUID) -> int:
    query = sql.SQL("SELECT count(*) FROM highway.{} WHERE workflow_run_id = %s").format(sql.Identifier(table))
    row = superuser.execute(query, [run]).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        ("completed", 29, True),
        ("completed", 31, False),
        ("failed", 31, True),
        ("failed", 91, False),
        ("cancelled", 91, False),
    ],
)
def test_without_a_policy_runs_are_kept_for_thirty_or_ninety_days(
    module_database: Database, tenant: UUID, state: str, days: int, stays: bool
) -> None:
    with connect(module_database.worker) as connection:
        run = ended_run(module_database, connection, tenant, days=days, state=state)
        sum(old_runs(connection))
        assert is_there(connection, run) is stays


def test_a_policy_counts_for_its_tenant_alone(module_database: Database, tenant: UUID, other_tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        mine = ended_run(module_database, connection, tenant, days=3)
        theirs = ended_run(module_database, connection, other_tenant, days=3)
        facade.set_retention(connection, tenant_id=tenant, policy=Retention(2, None), by="ann")
        assert facade.get_retention(connection, tenant_id=tenant) == Retention(2, None)
        assert facade.get_retention(connection, tenant_id=other_tenant) == Retention(30, 90)
        forever = ended_run(module_database, connection, tenant, days=3_000, state="failed")
        assert sum(old_runs(connection)) == 1
        assert [is_there(connection, run) for run in (mine, theirs, forever)] == [False, True, True]
        with pytest.raises(InvalidError):
            facade.set_retention(connection, tenant_id=tenant, policy=Retention(0, 1))


def test_open_runs_and_families_with_an_open_member_are_kept(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        parent = start(connection, tenant)
        (task,) = take(database.worker)
        names = ("a", "b")
        asked = [StartChild(name, name, {}, workflow_name=str(ONE_TASK["name"])) for name in names]
        started = write(database.worker, TaskWrites(task, children=asked)).children
        over, under_way = (started[parent, name] for name in names)
        (child,) = (one for one in take(database.worker) if one.task_id == over)
        write(database.worker, TaskWrites(child, exit=Finished("completed")))
        _let_time_pass(connection)
        assert sum(old_runs(connection)) == 0, "its parent may still read what became of it"
        write(database.worker, TaskWrites(task, exit=Finished("completed")))
        _let_time_pass(connection)
        assert sum(old_runs(connection)) == 1, "only the child that has ended: its brother keeps the parent"
        assert under_way
        connection.execute("SELECT highway.cancel_run(%s, %s)", [tenant, under_way])
        # It was claimed, so it ends when its worker says so; that worker is gone, and its claim with it.
        connection.execute(
            "UPDATE highway.task SET state = 'cancelled', claimed_by = NULL, finished_at = now() WHERE task_id = %s",
            [under_way],
        )
        _let_time_pass(connection)
        assert sum(old_runs(connection)) == 2


def _let_time_pass(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "UPDATE highway.workflow_run SET finished_at = finished_at - interval '100 days' WHERE finished_at IS NOT NULL"
    )
    connection.execute(
        "UPDATE highway.task SET finished_at = finished_at - interval '100 days' WHERE finished_at IS NOT NULL"
    )
