"""One transaction for one tenant on anybody's connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import translated


@contextmanager
def tenant_transaction(connection: Connection, tenant_id: UUID) -> Iterator[None]:
    """Join or open a transaction and tell the database whom it speaks for. The setting ends with the transaction."""
    with translated(), connection.transaction():
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant_id)])
        yield
