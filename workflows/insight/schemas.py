"""What can be asked about many runs at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.utils import timezone
from ninja import Schema
from pydantic import Field

from highway_platform.kit.rest.errors import ApiError, Detail
from highway_platform.kit.rest.paging import PageQuery

DAYS = 30
YEARS_HOURS = 10 * 366 * 24


class TaskQuery(PageQuery):
    """Which tasks to list."""

    state: str | None = Field(None, description="one or several, separated by commas")
    queue: str | None = Field(None, max_length=200)
    page_size: int = Field(50, ge=1, le=200)


class WindowQuery(Schema):
    """Runs that were started in a window of time; without one, in the last thirty days."""

    workflow_name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    hours: int | None = Field(None, ge=1, le=YEARS_HOURS, description="the last so many hours, instead of since")


class LogQuery(WindowQuery):
    """Which ended runs to list, newest first."""

    status: str | None = Field(None, pattern="^(success|failure)$", description="success or failure")
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0)
    cursor: uuid.UUID | None = None


class TimelineQuery(Schema):
    """What to show of the last hours."""

    workflow_run_id: uuid.UUID | None = None
    event_type: str | None = Field(None, max_length=500, description="one or several, separated by commas")
    hours: int = Field(24, ge=1, le=YEARS_HOURS)
    limit: int = Field(100, ge=1, le=1000)


class PerformanceQuery(Schema):
    """Which runs to measure."""

    workflow_name: str | None = None
    days: int = Field(7, ge=1, le=3650)


class DistributionQuery(Schema):
    """Tasks that were made in the last so many days."""

    days: int = Field(DAYS, ge=1, le=3650)


class TaskListQuery(Schema):
    """Which tasks to list, by the names of the analytics."""

    queue_name: str | None = Field(None, max_length=200)
    status: str | None = Field(None, description="one or several, separated by commas")
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0)
    cursor: uuid.UUID | None = None


class LiveQuery(Schema):
    """What was heard of lately."""

    minutes: int = Field(5, ge=1, le=1440)


class StepLogQuery(Schema):
    """Which part of a log to show."""

    step_name: str | None = None
    after: int = Field(
        0,
        ge=0,
        description="the number of the last line that is known already; to come back later: tail_after of the answer before",
    )
    limit: int = Field(500, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, both with their zone."""

    since: datetime
    until: datetime


def window_of(query: WindowQuery) -> Window:
    """The window that is asked for. A time without a zone is UTC."""
    until = _aware(query.until) or timezone.now()
    since = _aware(query.since) or timezone.now() - (
        timedelta(hours=query.hours) if query.hours else timedelta(days=DAYS)
    )
    if since >= until:
        detail = Detail("query.since", "empty_window", "since has to be before until")
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail.message, details=[detail])
    return Window(since, until)


def _aware(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
