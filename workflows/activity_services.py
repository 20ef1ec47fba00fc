"""Changes to activities. Each takes a grant and an open transaction, and leaves the commit to the edge."""

from __future__ import annotations

import uuid
from typing import Any

from engine import facade
from highway_platform.kit.permissions import Grant

from .services import CANCEL

MANAGE = "workflows.activity:manage"
SECONDS_AN_HOUR = 3600.0


def activity_cancel(grant: Grant, connection: Any, activity_id: uuid.UUID, reason: str = "") -> str:
    """Ask one activity to stop; gives its state now. Its run goes on."""
    grant.require(CANCEL)
    words = reason or f"cancelled by {grant.who}"
    return facade.cancel_activity(connection, tenant_id=grant.tenant_id, activity_id=activity_id, reason=words)


def heartbeats_forget(grant: Grant, connection: Any, retention_hours: float) -> int:
    """Delete the tenant's heartbeats that are older; gives how many, a bounded number at a time."""
    grant.require(MANAGE)
    return facade.forget_heartbeats(
        connection, tenant_id=grant.tenant_id, keep_seconds=retention_hours * SECONDS_AN_HOUR
    )
