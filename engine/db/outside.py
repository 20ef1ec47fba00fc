"""Databases of the deployment that workflows may ask (`engine.ports.Databases`): one connection and one transaction a question.

What holds a question in its bounds, in the order in which it matters: the role that the deployment gave it, a transaction that can only read, one
statement a question (the extended protocol takes no second one), and limits of time, rows and bytes.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.string import TextLoader

from engine.db.connection import Connection, hang_up
from engine.kit.json_text import dumps, storable
from engine.model.json import Json
from engine.ports import Cancelled, Databases, Question, QuestionRefusedError, Table

_logger = logging.getLogger(__name__)
CONNECT_SECONDS = 10
_PASSES = ("08", "40", "53", "55P03", "57", "58")  # SQLSTATEs of what may go otherwise the next time
_AS_TEXT = (
    "numeric", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "inet", "cidr",
    "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange",
)  # fmt: skip
_BOUNDS = """
    SELECT set_config('statement_timeout', %(milliseconds)s, true), set_config('lock_timeout', %(milliseconds)s, true),
        set_config('idle_in_transaction_session_timeout', %(milliseconds)s, true),
        set_config('client_connection_check_interval', '1s', true), set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true)
"""


@dataclass(frozen=True, slots=True)
class OutsideDatabase:
    """One of them: where it is, whose tenants may ask it (None: all), and whether they may change it."""

    dsn: str
    tenants: frozenset[UUID] | None
    writable: bool = False
    credential: Callable[[], str] | None = None


class OutsideDatabases(Databases):
    """All of them, by name."""

    def __init__(self, databases: Mapping[str, OutsideDatabase]) -> None:
        self._databases = dict(databases)

    def names(self, tenant_id: UUID) -> Collection[str]:
        return [name for name, each in self._databases.items() if each.tenants is None or tenant_id in each.tenants]

    def ask(self, question: Question, cancelled: Cancelled) -> Table:
        database = self._databases[question.database]
        if question.write and not database.writable:
            raise QuestionRefusedError(
                f"the database {question.database!r} can only be read", type="ReadOnly", retryable=False
            )
        try:
            with _connect(database) as connection:
                connection.read_only = not question.write
                cancelled.on_set(lambda: hang_up(connection))
                with connection.transaction():
                    connection.execute(_BOUNDS, {"milliseconds": f"{max(1, round(question.seconds * 1000))}ms"})
                    return _answer(connection, question)
        except psycopg.Error as error:
            raise _refused(question.database, error) from error


def _connect(database: OutsideDatabase) -> Connection:
    password: dict[str, Any] = {"password": database.credential()} if database.credential else {}
    connection: Connection = psycopg.connect(
        database.dsn,
        application_name="highway tools.database.query",
        connect_timeout=CONNECT_SECONDS,
        keepalives_idle=10,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=20_000,
        **password,
    )
    connection.prepare_threshold = None
    for name in _AS_TEXT:
        connection.adapters.register_loader(name, TextLoader)
    return connection


def _answer(connection: Connection, question: Question) -> Table:
    parameters = _bound(question.parameters)
    if question.write:
        cursor = connection.cursor()
        with connection.pipeline():  # always the extended protocol there: it cannot be two statements
            cursor.execute(question.sql, parameters)
        rows: Iterable[Sequence[Any]] = iter(cursor) if cursor.description else ()
        return _table(cursor.description, rows, question, changed=max(cursor.rowcount, 0))
    # A cursor of the server's: only queries can have one, and what is beyond the limits is never fetched.
    with connection.cursor(name="question") as reading:
        reading.execute(question.sql, parameters)
        return _table(reading.description, reading, question)


def _table(
    description: Sequence[psycopg.Column] | None,
    rows: Iterable[Sequence[Any]],
    question: Question,
    changed: int | None = None,
) -> Table:
    """The answer within its limits. Raises inside of the transaction: a change whose answer cannot be told is not made."""
    columns = [column.name for column in description or ()]
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        message = f"two columns are called {', '.join(twice)}: name them apart with AS"
        raise QuestionRefusedError(message, type="InvalidQuery", retryable=False)
    kept: list[list[Json]] = []
    size, truncated = 0, False
    for row in rows:
        values: list[Json] = storable([_json(value) for value in row])
        size += len(dumps(values).encode())
        if len(kept) == question.max_rows or size > question.max_bytes:
            truncated = True
            break
        kept.append(values)
    return Table(columns, kept, len(kept) if changed is None else changed, truncated)


def _bound(parameters: Sequence[Json] | Mapping[str, Json] | None) -> Sequence[object] | Mapping[str, object] | None:
    if isinstance(parameters, Mapping):
        return {name: _parameter(value) for name, value in parameters.items()}
    return None if parameters is None else [_parameter(value) for value in parameters]


def _parameter(value: Json) -> object:
    """Objects, and lists that are not of plain values, go as jsonb; a list of plain values is an array."""
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return Jsonb(value)
    return value


def _json(value: object) -> Json:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | str | dict):
        return cast(Json, value)
    if isinstance(value, float) and value - value == 0:  # neither infinite nor "not a number", which JSON does not have
        return value
    return str(value)


def _refused(name: str, error: psycopg.Error) -> QuestionRefusedError:
    state = error.sqlstate
    if state is None and isinstance(error, psycopg.OperationalError):
        _logger.warning("database %s cannot be asked: %s", name, error)  # where it stands is the operator's to know
        return QuestionRefusedError(
            f"the database {name!r} cannot be reached", type="DatabaseUnreachable", retryable=True
        )
    if state is None:  # psycopg's own: the text or the parameters do not fit together
        return QuestionRefusedError(str(error), type="InvalidQuery", retryable=False)
    message = error.diag.message_primary or str(error)
    return QuestionRefusedError(message, type=f"SqlState{state}", retryable=state.startswith(_PASSES))
