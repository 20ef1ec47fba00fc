"""How long ended runs are kept."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.upkeep import Retention, Sweep

_sql = load("retention")
MAX_DAYS = 36_500
COUNT_CAP = 10_000


def get_retention(connection: Connection, *, tenant_id: UUID) -> Retention:
    """The tenant's policy; without one of its own completed runs are kept 30 days, others 90."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id)
    assert row is not None  # noqa: S101 - the function always answers
    return Retention(**row)


def set_retention(connection: Connection, *, tenant_id: UUID, policy: Retention, by: str = "") -> None:
    """Set the tenant's policy. It counts for runs that have ended already, too. Raises `InvalidError` for no or too many days."""
    _check(policy)
    with tenant_transaction(connection, tenant_id):
        _sql.put.run(
            connection,
            tenant_id=tenant_id,
            keep_completed_days=policy.keep_completed_days,
            keep_failed_days=policy.keep_failed_days,
            by=by,
        )


def preview_retention(connection: Connection, *, tenant_id: UUID, policy: Retention) -> Sweep:
    """What a policy, the tenant's or another, would let the next sweeps delete, counted up to `COUNT_CAP` of both kinds. Raises `InvalidError`."""
    _check(policy)
    with tenant_transaction(connection, tenant_id):
        row = _sql.preview.one(
            connection,
            tenant_id=tenant_id,
            keep_completed_days=policy.keep_completed_days,
            keep_failed_days=policy.keep_failed_days,
            cap=COUNT_CAP,
        )
    assert row is not None  # noqa: S101 - an aggregate always answers
    return Sweep(**row)


def _check(policy: Retention) -> None:
    for days in (policy.keep_completed_days, policy.keep_failed_days):
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise InvalidError(f"runs are kept for 1 to {MAX_DAYS} days, or for ever")
