"""SQLSTATE -> error of the engine, in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

UNIQUE_VIOLATION = "23505"
DatabaseError = psycopg.Error  # the raw thing, for the rooms that tell a lost connection from a refused statement


class EngineError(Exception):
    """Something the engine refuses, with a sentence that says why."""


class NotFoundError(EngineError):
    """There is no such thing for this tenant (SQLSTATE HW001)."""


class StateError(EngineError):
    """The thing exists, and its state does not allow the change (SQLSTATE HW002)."""


class InvalidError(EngineError):
    """The request itself makes no sense (SQLSTATE HW003)."""


class NotAllowedError(EngineError):
    """It can be done, and not by this person (SQLSTATE HW005)."""


class BacklogFullError(EngineError):
    """A cap of the tenant is reached (SQLSTATE HW004): ``what`` (backlog, runs_per_minute) stands at ``figure``, its ``limit`` is that."""

    def __init__(self, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        told = json.loads(detail or "{}")
        self.what = str(told.get("what", "cap"))
        self.figure = int(told.get("figure", 0))
        self.limit = int(told.get("limit", 0))
        self.retry_after_seconds = int(told.get("retry_after_seconds", 1))


class ConnectionLostError(EngineError):
    """The database went away; what was under way may or may not be committed."""


class BusyError(EngineError):
    """The database gave up for a reason that passes (a deadlock, a lock or time limit, a full disk). Nothing was written; try again."""


_BY_SQLSTATE: dict[str, type[EngineError]] = {
    "HW001": NotFoundError,
    "HW002": StateError,
    "HW003": InvalidError,
    "HW005": NotAllowedError,
}

# 08: connection, 57P: shutdown, 53300: too many connections, 25P03, 25P04: a transaction idle or open for too long; None: libpq never got an answer.
_LOST = ("08", "57P", "53300", "25P03", "25P04")

# 40: deadlock, serialization, 55P03: lock_timeout, 57014: statement_timeout, 53: disk, memory, 58: the system's input and output.
_BUSY = ("40", "55P03", "57014", "53", "58")

# What the values themselves are to blame for: 21 and 22: their kind, 23: constraints, 54: their size, P0 and HW: raised by our functions.
_REFUSED = ("21", "22", "23", "54", "P0", "HW")


def translate(error: psycopg.Error) -> Exception:
    """The engine's error for a database error, or the error itself when it is nobody's business but a bug's."""
    state = error.sqlstate
    if state in _BY_SQLSTATE:
        return _BY_SQLSTATE[state](error.diag.message_primary or str(error))
    if state == "HW004":
        return BacklogFullError(error.diag.message_primary or str(error), error.diag.message_detail)
    if _is_lost(error, state):
        return ConnectionLostError(str(error).strip() or "the connection was closed")
    if state is not None and state.startswith(_BUSY):
        return BusyError(error.diag.message_primary or str(error))
    return error


def _is_lost(error: psycopg.Error, state: str | None) -> bool:
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(
        _LOST
    )  # whatever psycopg calls it: a transaction that was open for too long is an InternalError to it


def blames_values(error: psycopg.Error) -> bool:
    """Whether the same values would be refused again: then their step fails. Everything else is the system's fault and no step's."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError | psycopg.ProgrammingError)  # psycopg cannot even send them
    return error.sqlstate.startswith(_REFUSED)


@contextmanager
def translated() -> Iterator[None]:
    """Run database work so that its errors leave as errors of the engine."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error
