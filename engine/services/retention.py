"""What a tenant's policy does not keep is forgotten, and payloads that no run refers to with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError
from engine.db.queries import load
from engine.services.kit.sweeping import all_from

_logger = logging.getLogger(__name__)
_sql = load("retention")
_BATCH = 50  # runs of one transaction: some ten milliseconds
_TENANTS = 200  # looked at in one query
_BLOBS = 200


def old_runs(connection: Connection, start: UUID | None = None) -> Iterator[int]:
    """Forget runs that no policy keeps, each batch in a transaction of its own, tenant by tenant. What somebody holds is left for another turn."""
    for tenant_id in _tenants_with_old_runs(connection, start):
        while gone := _forget_some(connection, tenant_id):
            yield gone


def unreferenced_blobs(connection: Connection) -> Iterator[int]:
    """Delete payloads that no run refers to."""
    while (row := _sql.collect_blobs.one(connection, quantity=_BLOBS)) and row["blobs"]:
        yield int(row["blobs"])


def _tenants_with_old_runs(connection: Connection, start: UUID | None) -> Iterator[UUID]:
    for after, last in all_from(start):
        behind = after
        while rows := _sql.tenants_after.many(connection, after_tenant=behind, quantity=_TENANTS):
            for row in rows:
                behind = row["tenant_id"]
                if row["has_old_runs"] and (last is None or behind <= last):
                    yield behind
            if last is not None and behind > last:
                break


def _forget_some(connection: Connection, tenant_id: UUID) -> int:
    try:
        row = _sql.forget_old_runs.one(connection, tenant_id=tenant_id, quantity=_BATCH)
    except BusyError as error:
        _logger.info("old runs of a tenant could not be forgotten now: %s", error)
        return 0
    return int(row["runs"]) if row else 0
