"""`tools.database.query` against a real PostgreSQL, through the port that the deployment fills."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import psycopg
import pytest

from engine.db.outside import OutsideDatabase, OutsideDatabases
from engine.durable.tool_context import ToolContext
from engine.ports import Services
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError
from tests.engine.tool_calls import call, context
from tests.support.databases import Database

OURS = uuid.uuid4()


@pytest.fixture(scope="module")
def shop(module_database: Database) -> Services:
    """A table of goods in a database that is lent twice: to read, and to write; to our tenant alone."""
    with psycopg.connect(module_database.superuser, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE public.goods (id int PRIMARY KEY, name text, price numeric, added timestamptz, raw bytea)"
        )
        connection.execute(
            "INSERT INTO public.goods SELECT n, 'good ' || n, n + 0.10, '2026-01-02 03:04:05+00', '\\x00ff' FROM generate_series(1, 50) AS n"
        )
    dsn, mine = module_database.superuser, frozenset({OURS})
    databases = {
        "shop": OutsideDatabase(dsn, mine),
        "shop_rw": OutsideDatabase(dsn, mine, writable=True),
        "theirs": OutsideDatabase(dsn, frozenset({uuid.uuid4()})),
        "away": OutsideDatabase("postgresql://secret_user@127.0.0.1:9/x", None),
    }
    return Services(databases=OutsideDatabases(databases))


def ask(shop: Services, sql: str, parameters: Any = None, **kwargs: Any) -> Any:
    ctx: ToolContext = kwargs.pop("ctx", None) or context(services=shop, tenant_id=OURS)
    given = {"database": "shop", "sql": sql, "parameters": parameters} | kwargs
    return call("tools.database.query", ctx=ctx, **given)


def test_rows_are_objects_of_plain_json(shop: Services) -> None:
    found = ask(shop, "SELECT id, name, price, added, raw, NULL AS nothing FROM public.goods WHERE id = 1")
    assert found == {
        "columns": ["id", "name", "price", "added", "raw", "nothing"],
        "rows": [
            {
                "id": 1,
                "name": "good 1",
                "price": "1.10",
                "added": "2026-01-02 03:04:05+00",
                "raw": "AP8=",
                "nothing": None,
            }
        ],
        "row_count": 1,
        "truncated": False,
    }


def test_values_of_every_kind_come_as_json_can_hold_them(shop: Services) -> None:
    sql = """SELECT 'infinity'::timestamptz AS never, 'NaN'::float8 AS nan, 1e400::numeric AS large, ARRAY[1.5::numeric, NULL] AS list,
        '{"a": [1]}'::jsonb AS json, interval '1 day 2 hours' AS span, ROW(1, 'x') AS pair, true AS yes, 2.5::float8 AS half,
        '"a\\u0000b"'::json AS zero, int4range(1, 5) AS range, '7e8a4f0a-0000-4000-8000-000000000000'::uuid AS id, 9007199254740993::int8 AS whole"""
    (row,) = ask(shop, sql)["rows"]
    assert (row["never"], row["nan"], len(row["large"]), row["list"]) == ("infinity", "nan", 401, ["1.5", None])
    assert (row["json"], row["span"], row["yes"], row["half"]) == ({"a": [1]}, "1 day 02:00:00", True, 2.5)
    assert row["zero"] == "a\ufffdb"
    assert (row["range"], row["whole"]) == ("[1,5)", 9007199254740993)
    assert row["id"] == "7e8a4f0a-0000-4000-8000-000000000000"


def test_parameters_are_bound_and_never_written_into_the_statement(shop: Services) -> None:
    evil = "x'; DROP TABLE public.goods; --"
    assert ask(shop, "SELECT %s AS said", [evil])["rows"] == [{"said": evil}]
    by_name = ask(shop, "SELECT id FROM public.goods WHERE id = ANY(%(ids)s) AND name LIKE 'good%%'", {"ids": [2, 3]})
    assert by_name["rows"] == [{"id": 2}, {"id": 3}]
    assert ask(shop, "SELECT %s -> 'a' AS a", [{"a": [1]}])["rows"] == [{"a": [1]}]
    assert ask(shop, "SELECT count(*) AS n FROM public.goods WHERE name LIKE 'good%'")["rows"] == [{"n": 50}]


def test_an_answer_without_rows_has_columns(shop: Services) -> None:
    assert ask(shop, "SELECT id FROM public.goods WHERE false") == {
        "columns": ["id"],
        "rows": [],
        "row_count": 0,
        "truncated": False,
    }


def test_rows_and_bytes_are_bounded_and_what_is_beyond_is_not_read(shop: Services) -> None:
    few = ask(shop, "SELECT id FROM public.goods ORDER BY id", max_rows=3)
    assert ([row["id"] for row in few["rows"]], few["truncated"]) == ([1, 2, 3], True)
    assert ask(shop, "SELECT id FROM public.goods", max_rows=50)["truncated"] is False
    small = ask(shop, "SELECT repeat('x', 400) AS x FROM generate_series(1, 10)", max_bytes=1_000)
    assert (small["row_count"], small["truncated"]) == (2, True)
    began = time.monotonic()
    assert ask(shop, "SELECT generate_series(1, 2000000000) AS n", max_rows=1)["rows"] == [{"n": 1}]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO public.goods (id) VALUES (999)",
        "WITH made AS (INSERT INTO public.goods (id) VALUES (999) RETURNING 1) SELECT * FROM made",
        "SELECT 1; INSERT INTO public.goods (id) VALUES (999)",
        "COMMIT",
        "SELECT 1; COMMIT; INSERT INTO public.goods (id) VALUES (999)",
        "SET TRANSACTION READ WRITE",
        "DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO public.goods (id) VALUES (999); END $$",
        "TRUNCATE public.goods",
        "COPY public.goods TO STDOUT",
        "SELECT nextval('highway.story_seq')",
        "SELECT set_config('transaction_read_only', 'off', true)",
    ],
)
def test_a_question_can_only_read(shop: Services, sql: str) -> None:
    with pytest.raises(ToolError) as refused:
        ask(shop, sql)
    assert not refused.value.retryable
    assert ask(shop, "SELECT count(*) AS n FROM public.goods")["rows"] == [{"n": 50}]


def test_a_change_needs_the_word_of_the_author_and_of_the_deployment(shop: Services) -> None:
    change = "UPDATE public.goods SET name = name WHERE id <= %s"
    with pytest.raises(ToolError, match="can only be read") as refused:
        ask(shop, change, [5], write=True)
    assert refused.value.type == "ReadOnly"
    done = ask(shop, change, [5], write=True, database="shop_rw")
    assert done == {"columns": [], "rows": [], "row_count": 5, "truncated": False}
    returned = ask(shop, change + " RETURNING id", [3], write=True, database="shop_rw", max_rows=2)
    assert (len(returned["rows"]), returned["row_count"], returned["truncated"]) == (2, 3, True)


def test_a_change_whose_answer_cannot_be_told_is_not_made(shop: Services) -> None:
    with pytest.raises(ToolError, match="two columns are called id"):
        ask(shop, "DELETE FROM public.goods RETURNING id, id", write=True, database="shop_rw")
    assert ask(shop, "SELECT count(*) AS n FROM public.goods")["rows"] == [{"n": 50}]


def test_a_change_is_one_statement(shop: Services) -> None:
    with pytest.raises(ToolError, match="multiple commands"):
        ask(shop, "DELETE FROM public.goods; SELECT 1", write=True, database="shop_rw")
    assert ask(shop, "SELECT count(*) AS n FROM public.goods")["rows"] == [{"n": 50}]


def test_a_statement_ends_by_its_limit_and_may_be_tried_again(shop: Services) -> None:
    with pytest.raises(ToolError, match="statement timeout") as refused:
        ask(shop, "SELECT pg_sleep(20)", timeout_seconds=0.2)
    assert (refused.value.type, refused.value.retryable) == ("SqlState57014", True)


def test_a_cancelled_statement_ends_at_once_on_the_server_too(shop: Services, module_database: Database) -> None:
    ctx = context(services=shop, tenant_id=OURS)
    working = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND application_name LIKE 'highway tools%'"
    )

    def busy(connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(working).fetchone()
        return bool(row and row[0])

    def wait(wanted: bool) -> None:
        with psycopg.connect(module_database.superuser, autocommit=True) as connection:
            end = time.monotonic() + 20
            while busy(connection) is not wanted:
                assert time.monotonic() < end
                time.sleep(0.02)

    def cancel() -> None:
        wait(True)
        ctx.cancelled.set()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(ToolCancelled):
        ask(shop, "SELECT pg_sleep(60)", ctx=ctx)
    thread.join()
    wait(False)


def test_only_what_is_lent_to_the_tenant_can_be_asked(shop: Services) -> None:
    with pytest.raises(ToolInputError, match="no database 'theirs' for this tenant; there is: away, shop, shop_rw"):
        ask(shop, "SELECT 1", database="theirs")
    with pytest.raises(ToolInputError, match="there is: none"):
        ask(shop, "SELECT 1", ctx=context())


def test_where_a_database_stands_is_told_to_nobody(shop: Services) -> None:
    with pytest.raises(ToolError, match="the database 'away' cannot be reached") as refused:
        ask(shop, "SELECT 1", database="away")
    assert refused.value.retryable
    assert "secret_user" not in refused.value.message


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("SELECT nonsense", None, "column .nonsense. does not exist"),
        ("SELEC 1", None, "syntax error"),
        ("SELECT %s", [], "parameters|placeholders"),
        ("SELECT %(a)s", {"b": 1}, "a"),
        ("SELECT 1 AS a, 2 AS a", None, "two columns are called a"),
        ("SELECT 1/0", None, "division by zero"),
    ],
)
def test_a_wrong_statement_fails_for_good(shop: Services, sql: str, parameters: Any, message: str) -> None:
    with pytest.raises(ToolError, match=message) as refused:
        ask(shop, sql, parameters)
    assert not refused.value.retryable
