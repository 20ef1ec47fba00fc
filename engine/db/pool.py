"""A few connections for those who need one now and then: transactional tools, services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg_pool import ConnectionPool, PoolTimeout

from engine.db.connection import IDLE_SECONDS, Connection, bound_transactions, parameters
from engine.db.errors import ConnectionLostError, translated


class Pool:
    """Connections in autocommit mode, made on demand, no transaction of which lasts longer than ``whole_seconds``.

    Open it after a fork, never before.
    """

    def __init__(self, dsn: str, *, size: int, name: str, whole_seconds: float = IDLE_SECONDS) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            kwargs=parameters(name, idle_seconds=min(IDLE_SECONDS, whole_seconds)),
            configure=lambda connection: bound_transactions(connection, whole_seconds),
            min_size=0,
            max_size=size,
            open=True,
            timeout=10,
            name=name,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Borrow a connection; it is rolled back and given back whatever happens."""
        try:
            with translated(), self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise ConnectionLostError(str(error)) from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close(timeout=2)
