"""Changes to schedules. Each takes a grant and an open transaction, and leaves the commit to the edge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine import facade
from engine.model.schedules import Backfill, ScheduleSpec, ScheduleView, TickView
from highway_platform.kit.permissions import Grant

from .services import WRITE_SCHEDULE

READ = "workflows.schedule:read"
OPERATE = "workflows.schedule:operate"
WRITE = WRITE_SCHEDULE


def schedule_create(grant: Grant, connection: Any, spec: ScheduleSpec, *, is_active: bool = True) -> ScheduleView:
    """Store a schedule, paused where it is not to be active yet."""
    grant.require(WRITE)
    made = facade.create_schedule(connection, tenant_id=grant.tenant_id, spec=spec, created_by=grant.who)
    if is_active:
        return made
    return _pause(grant, connection, made.schedule_id, "created paused")


def schedule_update(grant: Grant, connection: Any, schedule_id: uuid.UUID, changes: Mapping[str, Any]) -> ScheduleView:
    """Change fields of its spec."""
    grant.require(WRITE)
    return facade.update_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id, changes=changes)


def schedule_delete(grant: Grant, connection: Any, schedule_id: uuid.UUID) -> None:
    """Delete it; its runs stay."""
    grant.require(WRITE)
    facade.delete_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)


def schedule_pause(grant: Grant, connection: Any, schedule_id: uuid.UUID, reason: str = "") -> ScheduleView:
    """Let it rest, for a reason that is shown."""
    grant.require(OPERATE)
    return _pause(grant, connection, schedule_id, reason)


def schedule_resume(grant: Grant, connection: Any, schedule_id: uuid.UUID) -> ScheduleView:
    """Let it go on."""
    grant.require(OPERATE)
    return facade.resume_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)


def schedule_activate(
    grant: Grant, connection: Any, schedule_id: uuid.UUID, *, is_active: bool, reason: str = ""
) -> ScheduleView:
    """Pause or resume it, or leave it as it is when it is so already."""
    found = facade.get_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)
    if is_active and found.state == "paused":
        return schedule_resume(grant, connection, schedule_id)
    if not is_active and found.state == "active":
        return schedule_pause(grant, connection, schedule_id, reason)
    return found


def schedule_run(grant: Grant, connection: Any, schedule_id: uuid.UUID) -> TickView:
    """Fire it once, now."""
    grant.require(OPERATE)
    return facade.run_schedule_now(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id, by=grant.who)


def schedule_backfill(
    grant: Grant, connection: Any, schedule_id: uuid.UUID, *, begin: datetime, end: datetime, dry_run: bool
) -> Backfill:
    """Fire what did not fire in a time that has passed, or count it."""
    grant.require(WRITE)
    return facade.backfill_schedule(
        connection,
        tenant_id=grant.tenant_id,
        schedule_id=schedule_id,
        begin=begin,
        end=end,
        by=grant.who,
        dry_run=dry_run,
    )


def _pause(grant: Grant, connection: Any, schedule_id: uuid.UUID, reason: str) -> ScheduleView:
    return facade.pause_schedule(
        connection, tenant_id=grant.tenant_id, schedule_id=schedule_id, paused_by=grant.who, reason=reason
    )
