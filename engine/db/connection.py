"""Connections of the engine's own, and cursors that read alike on anybody's connection."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads

from engine.db.errors import translate
from engine.kit import json_text

Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[DictRow]
Row = DictRow

IDLE_SECONDS = 30.0  # how long a transaction may do nothing and hold its locks
WITH_TRANSACTION_TIMEOUT = 170000  # the first version of PostgreSQL that has it
LOCK_SECONDS = 5.0  # how long a statement waits for somebody else's lock before it gives up with `BusyError`

_SETTINGS = (
    "-c search_path=highway,pg_temp -c timezone=UTC -c jit=off "
    "-c idle_in_transaction_session_timeout={idle_milliseconds} -c statement_timeout=60s -c lock_timeout={lock_milliseconds} "
    "{plans}"
    # The server has to notice it, too: a machine that vanished must not keep its locks for the two hours that systems allow.
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000"
)
_PLAN_ONCE = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
)


def parameters(
    name: str, *, lock_seconds: float = LOCK_SECONDS, idle_seconds: float = IDLE_SECONDS, plans: str = ""
) -> dict[str, Any]:
    """How the engine connects: autocommit, its own settings, and ways to notice within 20 s that the peer is dead."""
    return {
        "autocommit": True,
        "application_name": name,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # keepalives are not sent while sent data waits for its acknowledgement
        "options": _SETTINGS.format(
            lock_milliseconds=round(lock_seconds * 1000), idle_milliseconds=round(idle_seconds * 1000), plans=plans
        ),
    }


def connect(
    dsn: str,
    *,
    name: str = "highway",
    lock_seconds: float = LOCK_SECONDS,
    whole_seconds: float | None = None,
    plan_once: bool = False,
) -> Connection:
    """Open a connection; with ``plan_once`` every prepared statement keeps its first, generic plan: for the same few statements all
    day, whose planning takes as long as running them. Such a plan is made of look-ups by key alone: one made while a table was small
    would read all of it, and a group of a hundred rows would read it a hundred times, long after it has grown.

    ``whole_seconds`` bounds each transaction: see `bound_transactions`. Raises `ConnectionLostError` when the server does not answer.
    """
    try:
        connection = _Own.connect(
            dsn,
            **parameters(
                name,
                lock_seconds=lock_seconds,
                idle_seconds=min(IDLE_SECONDS, whole_seconds or IDLE_SECONDS),
                plans=_PLAN_ONCE if plan_once else "",
            ),
        )
        set_json_loads(json_text.loads, connection)
        if whole_seconds is not None:
            bound_transactions(connection, whole_seconds)
    except psycopg.Error as error:
        raise translate(error) from error
    return connection


def bound_transactions(connection: Connection, seconds: float) -> None:
    """End each transaction of this session that lasts longer, on servers that can (PostgreSQL 17 and later).

    A peer that sends half a message and no more is not idle to the server; no other limit would ever end its transaction and free its rows.
    """
    if connection.info.server_version >= WITH_TRANSACTION_TIMEOUT:
        connection.execute("SELECT set_config('transaction_timeout', %s, false)", [f"{round(seconds * 1000)}ms"])


def would_be_alone(connection: Connection) -> bool:
    """Whether a statement sent now is begun and committed by itself, and in the way in which the connection's owner wants transactions to be."""
    return (
        connection.autocommit
        and connection.pgconn.transaction_status == TransactionStatus.IDLE
        and connection.pgconn.pipeline_status == PipelineStatus.OFF
        and (connection.isolation_level, connection.read_only, connection.deferrable) == (None, None, None)
    )


def hang_up(connection: Connection) -> None:
    """Cut the line, from any thread: who waits for an answer on it gets `ConnectionLostError` at once."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _Own(psycopg.Connection[Any]):
    """A connection that was set up for the engine once, so that its cursors need not be, one by one."""


def cursor(connection: Connection) -> Cursor:
    """A cursor with rows as dicts and jsonb as Python values, whatever the connection's owner (Django, say) has set up."""
    if type(connection) is _Own:
        return connection.cursor(row_factory=dict_row)
    made = psycopg.Cursor(connection, row_factory=dict_row)
    set_json_loads(json_text.loads, made)
    return made
