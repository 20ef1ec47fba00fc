"""The pages of schedules: the list, and one schedule with its history and its next times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from engine import facade
from engine.model.schedules import ScheduleSpec, ScheduleView, TickView
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading

PAGE_SIZE = 50
HISTORY = 25
TIMES = 10


@dataclass(frozen=True, slots=True)
class Time:
    """One of the next times: when it is, and what the clocks of the schedule's zone show then."""

    moment: datetime
    local: datetime


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Everything that the page of one schedule shows."""

    schedule: ScheduleView
    ticks: list[TickView]
    times: list[Time]
    next_before: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form's schedule would do: in words, and its next times; or nothing yet."""

    words: str = ""
    times: list[Time] = field(default_factory=list)
    zone: str = ""
    problem: str = ""


def load_schedules(grant: Grant, after: str) -> tuple[list[ScheduleView], str]:
    """One page of the list, and the name behind which the next one begins ('' when there is none)."""
    with reading(grant) as connection:
        found = facade.list_schedules(connection, tenant_id=grant.tenant_id, after_name=after, quantity=PAGE_SIZE + 1)
    return found[:PAGE_SIZE], found[PAGE_SIZE - 1].spec.name if len(found) > PAGE_SIZE else ""


def load_schedule(grant: Grant, schedule_id: UUID) -> ScheduleView:
    """One schedule, for pages that show no history."""
    with reading(grant) as connection:
        return facade.get_schedule(connection, tenant_id=grant.tenant_id, schedule_id=schedule_id)


def load_schedule_page(grant: Grant, schedule_id: UUID, before: str = "") -> SchedulePage:
    """A schedule with the newest part of its history, or the part that is older than a tick."""
    which = {"tenant_id": grant.tenant_id, "schedule_id": schedule_id}
    with reading(grant) as connection:
        found = facade.get_schedule(connection, **which)
        ticks = facade.list_ticks(connection, **which, before=_moment(before), quantity=HISTORY + 1)
        times = facade.preview_schedule(connection, **which, count=TIMES) if found.trouble is None else []
    shown = ticks[:HISTORY]
    return SchedulePage(
        schedule=found,
        ticks=shown,
        times=in_zone(times, found.spec.zone),
        next_before=shown[-1].tick_at.isoformat() if len(ticks) > HISTORY else "",
        tag=_tag(found, shown),
    )


def load_draft(grant: Grant, spec: ScheduleSpec) -> Draft:
    """What a schedule that is not stored would do."""
    with reading(grant) as connection:
        times = facade.preview_spec(connection, spec=spec, count=TIMES)
    return Draft(facade.describe_timing(spec.timing), in_zone(times, spec.zone), spec.zone)


def workflow_names(grant: Grant) -> list[str]:
    """Names to choose from; there may be more than are listed."""
    with reading(grant) as connection:
        return [one.name for one in facade.list_workflows(connection, tenant_id=grant.tenant_id, quantity=200)]


def in_zone(moments: list[datetime], zone: str) -> list[Time]:
    """The moments with what the clocks of a zone show."""
    return [Time(moment, moment.astimezone(ZoneInfo(zone))) for moment in moments]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _tag(found: ScheduleView, ticks: list[TickView]) -> str:
    parts = (
        found.updated_at,
        found.state,
        found.next_at,
        found.trouble,
        [(t.tick_at, t.outcome, t.run_status) for t in ticks],
    )
    return sha256(repr(parts).encode()).hexdigest()[:16]
