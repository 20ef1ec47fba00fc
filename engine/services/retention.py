"""What a tenant's policy does not keep is forgotten, and payloads that no run refers to with it."""

from __future__ import annotations

import logging
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("retention")
EVERY_SECONDS = 60.0
BLOBS_EVERY_SECONDS = 600.0
_BATCH = 50  # runs of one transaction
_TENANTS = 200  # looked at in one query
_ROUNDS = 40  # transactions of one turn
_BLOBS = 200


def forget(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """One worker's turn for all: forget old runs of every tenant, a bounded number. Returns how many rows of runs and blobs are gone."""
    if _sql.take_turn.one(connection, measure="runs_forgotten", every_seconds=EVERY_SECONDS) is None:
        return 0
    runs = forget_old_runs(connection)
    if _sql.take_turn.one(connection, measure="blobs_collected", every_seconds=BLOBS_EVERY_SECONDS) is None:
        return runs
    return runs + collect_blobs(connection)


def forget_old_runs(connection: Connection, rounds: int = _ROUNDS) -> int:
    """Forget runs that no policy keeps, each batch in a transaction of its own, tenant by tenant. What somebody holds is left for another turn."""
    done, after = 0, UUID(int=0)
    while tenants := _sql.tenants_after.many(connection, after_tenant=after, quantity=_TENANTS):
        for row in tenants:
            after = row["tenant_id"]
            while rounds and (gone := _forget_some(connection, after)):
                done, rounds = done + gone, rounds - 1
    return done


def collect_blobs(connection: Connection) -> int:
    """Delete payloads that no run refers to."""
    row = _sql.collect_blobs.one(connection, quantity=_BLOBS)
    gone = int(row["blobs"]) if row else 0
    if gone:
        _sql.count_up.run(connection, measure="blobs_collected", by=gone)
    return gone


def _forget_some(connection: Connection, tenant_id: UUID) -> int:
    try:
        with connection.transaction():
            row = _sql.forget_old_runs.one(connection, tenant_id=tenant_id, quantity=_BATCH)
            gone = int(row["runs"]) if row else 0
            if gone:
                _sql.count_up.run(connection, measure="runs_forgotten", by=gone)
    except BusyError as error:
        _logger.info("old runs of a tenant could not be forgotten now: %s", error)
        return 0
    return gone
