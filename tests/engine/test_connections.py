"""Connections: an error leaves them usable, a lost one is told from a refused statement, a transaction is never left open."""

from __future__ import annotations

import time
from uuid import UUID

import psycopg
import pytest

from engine.db.connection import WITH_TRANSACTION_TIMEOUT, connect
from engine.db.errors import BusyError, ConnectionLostError, StateError, blames_values, translated
from engine.db.pool import Pool
from engine.queue.commit import commit
from tests.support.databases import Database
from tests.support.runs import WORKER, scalar, start, step, take

_RAISE = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize(
    ("sqlstate", "error"),
    [
        ("HW002", StateError),
        ("40001", BusyError),
        ("40P01", BusyError),
        ("55P03", BusyError),
        ("57014", BusyError),
        ("53100", BusyError),
        ("57P01", ConnectionLostError),
        ("53300", ConnectionLostError),
        ("25P03", ConnectionLostError),
        ("25P04", ConnectionLostError),
        ("23505", psycopg.errors.UniqueViolation),
        ("42P01", psycopg.errors.UndefinedTable),
    ],
)
def test_each_kind_of_error_has_its_class(module_database: Database, sqlstate: str, error: type[Exception]) -> None:
    with connect(module_database.worker) as connection, pytest.raises(error), translated():
        connection.execute(_RAISE.format(sqlstate))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sqlstate", "blamed"),
    [("22003", True), ("23505", True), ("54000", True), ("P0001", True), ("HW002", True), ("42P01", False), ("40P01", False), ("XX000", False)],
)  # fmt: skip
def test_only_values_are_blamed_on_a_step(module_database: Database, sqlstate: str, blamed: bool) -> None:
    with connect(module_database.worker) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(_RAISE.format(sqlstate))  # type: ignore[arg-type]
    assert blames_values(caught.value) is blamed


def test_a_group_commit_whose_connection_dies_says_that_it_does_not_know(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as dying, connect(database.worker) as other:
        run = start(other, tenant)
        (task,) = take(database.worker)
        with psycopg.connect(database.superuser, autocommit=True) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s)", [dying.info.backend_pid])
        with pytest.raises(ConnectionLostError):
            commit(dying, [step(task, "only")], WORKER)
        assert commit(other, [step(task, "only")], WORKER).live == {run}


def test_a_transaction_that_was_open_for_too_long_is_a_lost_connection(module_database: Database) -> None:
    with connect(module_database.worker, whole_seconds=0.2) as connection:
        if connection.info.server_version < WITH_TRANSACTION_TIMEOUT:
            pytest.skip("this server knows no transaction_timeout")
        with pytest.raises(ConnectionLostError), translated(), connection.transaction():
            connection.execute("SELECT 1")
            time.sleep(0.5)
            connection.execute("SELECT 1")


def test_a_borrowed_connection_comes_back_without_a_transaction_whatever_happened(database: Database) -> None:
    pool = Pool(database.worker, size=1, name="test")
    try:
        with pytest.raises(KeyboardInterrupt), pool.connection() as connection:
            connection.execute("BEGIN")
            connection.execute("CREATE TEMPORARY TABLE half_done (n int)")
            raise KeyboardInterrupt
        with pool.connection() as connection:
            assert connection.execute("SELECT to_regclass('pg_temp.half_done')").fetchone() == (None,)
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with pytest.raises(ConnectionLostError), pool.connection() as connection:
            with psycopg.connect(database.superuser, autocommit=True) as superuser:
                superuser.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            connection.execute("SELECT 1")
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        pool.close()


def test_a_worker_that_sends_half_a_pipeline_and_no_more_holds_its_rows_no_longer_than_its_lease(
    database: Database, tenant: UUID
) -> None:
    """To its server it is not idle: 1 BEGIN and a lock arrive, 2 nothing follows, 3 neither idle nor statement limits apply, 4 the whole's does."""
    with connect(database.worker) as observer, connect(database.worker, lock_seconds=30) as waiting:
        cut = connect(database.worker, whole_seconds=5.0)
        if cut.info.server_version < WITH_TRANSACTION_TIMEOUT:
            pytest.skip("needs transaction_timeout, which came with PostgreSQL 17")
        run = start(observer, tenant)
        cut.pgconn.enter_pipeline_mode()
        for statement in (b"BEGIN", b"SELECT FROM highway.task FOR UPDATE"):
            cut.pgconn.send_query_params(statement, None)
        cut.pgconn.send_flush_request()
        cut.pgconn.flush()
        held = "SELECT count(*) FROM pg_locks WHERE relation = 'highway.task'::regclass AND mode = 'RowShareLock' AND pid = %s"
        until = time.monotonic() + 30
        while not scalar(observer, held, cut.info.backend_pid):
            assert time.monotonic() < until
            time.sleep(0.01)
        waiting.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [run])
        cut.pgconn.finish()
