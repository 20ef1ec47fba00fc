"""Stopping runs from inside, one transaction each."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError, StateError
from engine.db.queries import load

_sql = load("service")


def stop_runs(connection: Connection, runs: Iterable[tuple[UUID, UUID, str]], reason: str) -> int:
    """Stop runs given as (tenant, run, outcome); one that ended by itself meanwhile is not counted."""
    done = 0
    for tenant_id, run_id, outcome in runs:
        try:
            _sql.cancel.run(connection, tenant_id=tenant_id, run_id=run_id, reason=reason, outcome=outcome)
            done += 1
        except (StateError, NotFoundError):
            continue
    return done
