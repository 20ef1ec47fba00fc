"""A program of a user whose connection is lost in the middle of its own transaction: nothing of it is there, and under the same key it is done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, scalar, take

Connection = psycopg.Connection[Any]
PLACES = ("before the key", "before the work", "before the answer", "before the commit")


@pytest.fixture
def orders(database: Database) -> Database:
    """A database in which a program has a table of its own beside ours."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.orders (id text PRIMARY KEY)")
        connection.execute("GRANT SELECT, INSERT ON public.orders TO app_web")
    return database


def _order(connection: Connection, tenant: UUID, at: Callable[[str], None] = lambda _: None) -> Any:
    """An order and its workflow in one transaction, once for its key; ``at`` is told of each place on the way. What is answered."""
    with connection.transaction():
        at("before the key")
        known = facade.claim_key(connection, tenant_id=tenant, key="order-1", request_hash="h")
        if known is not None:
            return known.body
        at("before the work")
        connection.execute("INSERT INTO public.orders VALUES ('order-1')")
        definition = facade.register(connection, tenant_id=tenant, definition=ONE_TASK).definition_id
        run = facade.submit(connection, tenant_id=tenant, definition_id=definition, inputs={}).workflow_run_id
        at("before the answer")
        body = {"run": str(run)}
        facade.answer(connection, tenant_id=tenant, key="order-1", status=201, body=body, workflow_run_id=run)
        at("before the commit")
    return body


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_there_of_a_transaction_whose_connection_was_killed_and_another_does_it_once(
    orders: Database, tenant: UUID, place: str
) -> None:
    with psycopg.connect(orders.superuser, autocommit=True) as killer:

        def kill(at: str) -> None:
            if at == place:
                assert scalar(killer, "SELECT pg_terminate_backend(%s, 10000)", lost.info.backend_pid)

        lost = connect(orders.web)
        with pytest.raises((facade.ConnectionLostError, psycopg.OperationalError)):
            _order(lost, tenant, kill)
        assert lost.closed
        assert _found(killer) == (0, 0, 0)
        for _ in range(2):
            with connect(orders.web) as again:
                answer = _order(again, tenant)
        assert _found(killer) == (1, 1, 1)
        assert [str(task.workflow_run_id) for task in take(orders.worker)] == [answer["run"]]
    assert problems(orders.worker, grace_seconds=60) == []


def _found(connection: Connection) -> tuple[int, int, int]:
    """How many orders, runs and answers there are."""
    query = "SELECT (SELECT count(*) FROM public.orders), (SELECT count(*) FROM highway.workflow_run), (SELECT count(*) FROM highway.idempotency)"
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_the_engine_s_own_functions_say_that_the_connection_is_lost(database: Database, tenant: UUID) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as killer:
        connection = connect(database.web)
        facade.register(connection, tenant_id=tenant, definition=ONE_TASK)
        killer.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
        for _ in range(2):  # the second finds it closed
            with pytest.raises(facade.ConnectionLostError):
                facade.register(connection, tenant_id=tenant, definition=ONE_TASK)
