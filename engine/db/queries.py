"""SQL lives in files. A file of `sql/queries` becomes a `QueryFile`; its named queries are its attributes.

A query's header is ``-- name: claim(worker_id, quantity) :many``, then one line of purpose, then one statement with ``%(name)s`` parameters.
``:one`` gives a row or None, ``:many`` a list of rows, ``:exec`` nothing. ``:many replanned`` is not prepared but planned with the values of
each call: for queries whose filters are optional, which no one plan suits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import psycopg

from engine.db.connection import Connection, Cursor, Row, cursor
from engine.db.errors import translate

SQL_DIRECTORY = Path(__file__).resolve().parent.parent.parent / "sql"

_HEADER = re.compile(
    r"^-- name: (?P<name>\w+)\((?P<parameters>[^)]*)\) :(?P<kind>one|many|exec)(?P<replanned> replanned)?\n-- (?P<purpose>[^\n]+)\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement. Prepared on first use of a connection, unless it is ``replanned`` for each call."""

    name: str
    parameters: tuple[str, ...]
    kind: Literal["one", "many", "exec"]
    purpose: str
    sql: bytes
    replanned: bool = False

    def send(self, cur: Cursor, **parameters: Any) -> Cursor:
        """Execute on a given cursor and leave the rows there: for pipelines, where answers come later."""
        try:
            return cur.execute(self.sql, parameters, prepare=not self.replanned)
        except psycopg.Error as error:
            raise translate(error) from error

    def many(self, connection: Connection, **parameters: Any) -> list[Row]:
        """All rows."""
        with cursor(connection) as cur:
            self.send(cur, **parameters)
            return cur.fetchall()

    def one(self, connection: Connection, **parameters: Any) -> Row | None:
        """The first row, or None."""
        with cursor(connection) as cur:
            return self.send(cur, **parameters).fetchone()

    def run(self, connection: Connection, **parameters: Any) -> None:
        """Execute for its effect."""
        with cursor(connection) as cur:
            self.send(cur, **parameters)


class QueryFile:
    """The queries of one file, by attribute. An unknown name is an AttributeError at once, not at run time of a rare path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.queries = {query.name: query for query in _parse(path.read_text())}

    def __getattr__(self, name: str) -> Query:
        try:
            return self.queries[name]
        except KeyError:
            raise AttributeError(f"{self.path.name} has no query {name!r}") from None


@cache
def load(table: str) -> QueryFile:
    """The queries of ``sql/queries/<table>.sql``."""
    return QueryFile(SQL_DIRECTORY / "queries" / f"{table}.sql")


def _parse(text: str) -> list[Query]:
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    return [_query(header, text[header.end() : end]) for header, end in zip(headers, ends, strict=True)]


def _query(header: re.Match[str], body: str) -> Query:
    parameters = tuple(name.strip() for name in header["parameters"].split(",") if name.strip())
    used = set(re.findall(r"%\((\w+)\)s", body))
    if used != set(parameters):
        raise ValueError(f"query {header['name']}: header names {sorted(parameters)}, body uses {sorted(used)}")
    kind = cast(Literal["one", "many", "exec"], header["kind"])
    return Query(
        header["name"],
        parameters,
        kind,
        header["purpose"],
        body.strip().rstrip(";").encode(),
        bool(header["replanned"]),
    )
