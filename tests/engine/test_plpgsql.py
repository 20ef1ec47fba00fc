"""Every PL/pgSQL function is read by plpgsql_check, on the oldest PostgreSQL that the platform supports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.db.migrate import apply_migrations
from tests.support import oldest_postgres

DATABASE = "test_oldest"
# Trigger functions are checked for each table that they serve. The tables' owner calls them; to be VOLATILE is right for what locks rows.
_FUNCTIONS = """
    SELECT p.oid::regprocedure::text AS function, coalesce(t.tgrelid, 0::oid) AS relation, t.tgoldtable AS before, t.tgnewtable AS after
      FROM pg_proc AS p
      JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
      LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid, tgoldtable, tgnewtable FROM pg_trigger) AS t ON t.tgfoid = p.oid
     WHERE p.pronamespace = 'highway'::regnamespace
     ORDER BY 1, 2
"""
# An endless loop that is left by its RETURNs only: the checker does not see that there is nothing behind it.
_ENDLESS = "control reached end of function without RETURN"
_EXCUSED = {("highway.take_run_key", _ENDLESS)}
_CHECK = """
    SELECT lineno, level, message
      FROM plpgsql_check_function_tb(%s::regprocedure, %s::oid::regclass, oldtable => %s, newtable => %s,
                                     performance_warnings => true, extra_warnings => true, security_warnings => true)
     WHERE message NOT LIKE 'routine is marked as VOLATILE%%'
"""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if why := oldest_postgres.why_missing():
        pytest.skip(f"plpgsql_check on PostgreSQL {oldest_postgres.VERSION}: {why}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with oldest_postgres.oldest_postgres(folder, DATABASE) as server:
            with psycopg.connect(server.url("app_migrate", DATABASE), autocommit=True) as connection:
                apply_migrations(connection)
            yield server.url("postgres", DATABASE)


def test_the_schema_is_made_and_every_function_is_free_of_findings(oldest: str) -> None:
    with psycopg.connect(oldest, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION plpgsql_check")
        functions = connection.execute(_FUNCTIONS).fetchall()
        findings: dict[str, list[Any]] = {
            name: found
            for name, *served in functions
            if (found := [row for row in connection.execute(_CHECK, [name, *served]) if not _is_excused(name, row[2])])
        }
    assert len({name for name, *_ in functions}) >= 15
    assert findings == {}


def _is_excused(function: str, message: str) -> bool:
    return (function.split("(", maxsplit=1)[0], message) in _EXCUSED


def test_a_mistake_in_a_function_is_found(oldest: str) -> None:
    with psycopg.connect(oldest, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS plpgsql_check")
        connection.execute(
            "CREATE FUNCTION public.mistaken() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM FROM highway.task AS t WHERE t.colour = 1; END'"
        )
        found = connection.execute(_CHECK, ["public.mistaken()", 0, None, None]).fetchall()
    assert [message for _, _, message in found] == ["column t.colour does not exist"]
