"""What the platform says about a tenant: weight of its turns, pause, caps. Set by platform staff; a tenant's own people only read it."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.flow import TenantPolicy

_sql = load("flow")
MAX_WEIGHT = 100


def get_tenant_policy(connection: Connection, *, tenant_id: UUID) -> TenantPolicy:
    """The policy of a tenant; the default where nothing was said."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.tenant_policy.one(connection, tenant_id=tenant_id)
    return TenantPolicy(**row) if row else TenantPolicy()


def set_tenant_policy(connection: Connection, *, tenant_id: UUID, policy: TenantPolicy, paused: bool) -> TenantPolicy:
    """Say all of it anew; the time of a pause is the database's, and that of the first one. Raises `InvalidError`."""
    if not 1 <= policy.weight <= MAX_WEIGHT:
        raise InvalidError(f"a weight is from 1 to {MAX_WEIGHT}")
    caps = (policy.max_running, policy.max_backlog, policy.runs_per_minute)
    if any(cap is not None and cap < 0 for cap in caps):
        raise InvalidError("a cap cannot be negative")
    with tenant_transaction(connection, tenant_id):
        _sql.put_tenant_policy.one(
            connection,
            tenant_id=tenant_id,
            weight=policy.weight,
            paused=paused,
            by=policy.paused_by if paused else "",
            reason=policy.pause_reason if paused else "",
            max_running=policy.max_running,
            max_backlog=policy.max_backlog,
            runs_per_minute=policy.runs_per_minute,
            exempt=policy.exempt,
        )
        return get_tenant_policy(connection, tenant_id=tenant_id)
