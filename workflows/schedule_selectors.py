"""Reads of schedules: each opens one transaction for the tenant of the grant."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from engine import facade
from engine.model.schedules import ScheduleSummary, ScheduleView, TickView
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction


@dataclass(frozen=True, slots=True)
class History:
    """A schedule and a part of what became of its ticks, newest first."""

    schedule: ScheduleView
    ticks: list[TickView]
    total: int


def schedule_list(grant: Grant, *, after_name: str = "", quantity: int = 50) -> list[ScheduleView]:
    """Schedules by name."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_schedules(connection, tenant_id=grant.tenant_id, after_name=after_name, quantity=quantity)


def schedule_get(grant: Grant, schedule_id: uuid.UUID) -> ScheduleView:
    """One schedule."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)


def schedule_history(
    grant: Grant, schedule_id: uuid.UUID, *, before: datetime | None = None, skip: int = 0, quantity: int = 50
) -> History:
    """A part of its history. ``skip`` ticks are walked over: the caller bounds them."""
    which = {"tenant_id": grant.tenant_id, "schedule_id": schedule_id}
    with tenant_transaction(grant.tenant_id) as connection:
        found = facade.get_schedule(connection, **which)
        ticks = facade.list_ticks(connection, **which, before=before, quantity=skip + quantity)
        return History(
            found, ticks[skip:], facade.count_ticks(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)
        )


def schedule_preview(grant: Grant, schedule_id: uuid.UUID, count: int) -> tuple[ScheduleView, list[datetime]]:
    """A schedule and its next times."""
    which = {"tenant_id": grant.tenant_id, "schedule_id": schedule_id}
    with tenant_transaction(grant.tenant_id) as connection:
        found = facade.get_schedule(connection, **which)
        return found, facade.preview_schedule(connection, **which, count=count)


def schedule_summary(grant: Grant) -> ScheduleSummary:
    """The tenant's schedules in figures."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.summarize_schedules(connection, tenant_id=grant.tenant_id)
