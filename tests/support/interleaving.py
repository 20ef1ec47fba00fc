"""Database sessions that meet: a second one whose being blocked is proved, and a brake on one row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from engine.db.connection import connect
from engine.db.errors import EngineError
from engine.db.queries import load
from tests.support.databases import Database
from tests.support.runs import scalar

_doctor = load("doctor")


class Second:
    """The second session: does its work in a thread and can be seen to be blocked."""

    def __init__(self, dsn: str, work: Callable[[psycopg.Connection[Any]], Any]) -> None:
        self.connection = connect(dsn, lock_seconds=30)
        self.outcome: Any = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._work(self.connection)
        except (EngineError, psycopg.Error) as error:
            self.outcome = error

    def wait_until_blocked(self, observer: psycopg.Connection[Any], by: psycopg.Connection[Any] | None = None) -> None:
        """Come back when the server says that the session waits for a lock (of the connection ``by``, if it is given)."""
        until = time.monotonic() + 30
        while not self._is_blocked(observer, by):
            assert self._thread.is_alive(), f"the second session was never blocked: {self.outcome}"
            assert time.monotonic() < until, "the second session was never blocked"
            time.sleep(0.01)

    def _is_blocked(self, observer: psycopg.Connection[Any], by: psycopg.Connection[Any] | None) -> bool:
        blocking = scalar(observer, "SELECT pg_blocking_pids(%s)", self.connection.info.backend_pid)
        return by.info.backend_pid in blocking if by else bool(blocking)

    def result(self) -> Any:
        """What became of the work: its value or its error."""
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        self.connection.close()
        return self.outcome


@contextmanager
def brake(database: Database, task_id: UUID) -> Iterator[None]:
    """Inside, whoever updates this task waits, in the middle of its statement, until the end of the block."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION public.brake() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END'"
        )
        connection.execute(
            f"CREATE TRIGGER brake BEFORE UPDATE ON highway.task FOR EACH ROW WHEN (OLD.task_id = '{task_id}') "
            "EXECUTE FUNCTION public.brake()"
        )
        connection.execute("SELECT pg_advisory_lock(4711)")
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock(4711)")


def problems(dsn: str, grace_seconds: float = 0.0) -> list[str]:
    """What the doctor finds: stuck tasks and rows that contradict each other. Has to be empty, always."""
    with connect(dsn) as connection:
        stuck = _doctor.stuck.many(connection, grace_seconds=grace_seconds, quantity=100)
        rows = _doctor.inconsistent.many(connection, quantity=100)
        rows += _doctor.flow_problems.many(connection, grace_seconds=grace_seconds, quantity=100)
    found = [f"task {row['key']!r} of {row['workflow_run_id']} is {row['state']}: {row['problem']}" for row in stuck]
    return found + [f"run {row['workflow_run_id']}: {row['problem']}" for row in rows]
