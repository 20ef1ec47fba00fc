"""Bodies and parameters of the routes of schedules."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AliasChoices, AwareDatetime, Field, StringConstraints, model_validator

from .schemas import SOURCES, Body, Label, Name, QueueName, WrittenBody

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Reason = Annotated[str, StringConstraints(max_length=500)]
YEAR_SECONDS = 366 * 24 * 3600.0

# How the API calls a field of the engine's `ScheduleSpec`, where it is not by the same name.
API_NAMES = {"timing": "schedule_cron", "zone": "timezone", "skipped": "skipped_times", "doubled": "doubled_times"}
SPEC_NAMES = {api: spec for spec, api in API_NAMES.items()}


class SchedulePolicies(Body):
    """When a schedule comes and how it behaves. What is left out of a change stays as it is."""

    timezone: Name = Field("UTC", description="IANA name", validation_alias=AliasChoices("timezone", "zone"))
    skipped_times: Literal["shift", "skip"] = Field(
        "shift", description="a time of day that the clocks skip: at the jump, or not"
    )
    doubled_times: Literal["once", "twice"] = Field("once", description="a time of day that the clocks show twice")
    overlap: Literal["allow", "skip", "buffer_one", "buffer_all", "cancel_other"] = "skip"
    catchup: Literal["none", "last", "all"] = "last"
    catchup_limit: int = Field(100, ge=1, le=10_000, description="only with all: the newest so many")
    catchup_seconds: float | None = Field(None, gt=0, le=10 * YEAR_SECONDS, description="nothing older is caught up")
    jitter_seconds: int = Field(0, ge=0, le=86_400)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    inputs: dict[str, Any] = Field(default_factory=dict, description="may hold {{scheduled_time}} and {{ds}}")
    queue: QueueName = "default"
    priority: int = Field(0, ge=-100, le=100)
    tags: list[Label] = Field(default_factory=list, max_length=32)
    max_failures: int | None = Field(None, ge=1, le=1000, description="pause after so many failures in a row")
    is_active: bool = True


class ScheduleBody(SchedulePolicies, WrittenBody):
    """A new schedule. Exactly one of six forms says what it starts; by name it is always the newest version."""

    name: Name | None = Field(None, description="the workflow's name when it is left out")
    definition_id: uuid.UUID | None = None
    definition_hash: str | None = None
    workflow_name: Name | None = None
    version_pin: int | None = Field(None, ge=1, description="only with workflow_name: always this version")
    schedule_cron: Text = Field(
        description="five fields, six with seconds, @daily, or @every 90s",
        validation_alias=AliasChoices("schedule_cron", "cron"),
    )

    @model_validator(mode="after")
    def names_one_definition(self) -> ScheduleBody:
        """Exactly one form says what to run."""
        self.name_one(SOURCES)
        return self


class ScheduleChangeBody(SchedulePolicies):
    """What to change. ``is_active`` false pauses, true resumes."""

    name: Name | None = None
    schedule_cron: Text | None = Field(None, validation_alias=AliasChoices("schedule_cron", "cron"))
    reason: Reason = Field("", description="of a pause")


class PauseBody(Body):
    """Why a schedule is to rest."""

    reason: Reason = ""


class BackfillBody(Body):
    """Which time to fill. Without ``dry_run: false`` it is only counted."""

    begin: AwareDatetime = Field(validation_alias=AliasChoices("begin", "from"))
    end: AwareDatetime = Field(validation_alias=AliasChoices("end", "to"))
    dry_run: bool = True


class ScheduleQuery(Schema):
    """Which part of the list to show."""

    limit: int = Field(50, ge=1, le=100)
    after: str = Field("", max_length=200, description="the name of the last schedule that is known already")


class HistoryQuery(Schema):
    """Which part of a history to show: by a number of ticks to pass over, or older than a tick."""

    limit: int = Field(50, ge=1, le=100)
    offset: int = Field(0, ge=0, le=1000)
    before: AwareDatetime | None = None


class PreviewQuery(Schema):
    """How many of the next times to show."""

    count: int = Field(5, ge=1, le=100)
