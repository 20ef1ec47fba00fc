"""Django loads `DatabaseWrapper` from here, by the name of the engine in its settings."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django_tenants.postgresql_backend import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no types
    """A pooled connection is asked whether it lives only if something came in over it while it lay there.

    A server that stops, and one that ends a session, says so or closes the line; a healthy session says nothing that it was not asked. Django's
    own check is a round trip for each request, and no wiser about a line that has silently gone: it waits there as long as the first statement.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """A connection that lives as far as this machine can know."""
        while True:
            connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            if self.pool is None or not _has_news(connection) or _answers(connection):
                return connection
            self.pool.putconn(connection)  # closed by now: the pool makes another


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        connection.close()
        return False
    return True
