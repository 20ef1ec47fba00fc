"""Bodies and parameters that the API takes. Fields we do not know are refused, so a misspelt one is an error."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AliasChoices, ConfigDict, Field, StringConstraints, model_validator

from engine.facade import MAX_TOGETHER
from highway_platform.kit.rest.paging import PageQuery

from .flow_schemas import FlowPart

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]
QueueName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,63}$")]
YEAR_SECONDS = 366 * 24 * 3600.0

WRITTEN = ("workflow_definition", "python_dsl", "yaml")
SOURCES = (*WRITTEN, "definition_id", "definition_hash", "workflow_name")


class Body(Schema):
    """Base of every body."""

    model_config = ConfigDict(extra="forbid")

    def name_one(self, fields: Sequence[str]) -> None:
        """Exactly one of the fields is given; ValueError says which are."""
        given = [name for name in fields if getattr(self, name) is not None]
        if len(given) != 1:
            problem = f"{len(given)} of them are: {', '.join(given)}" if given else "none of them is"
            raise ValueError(f"exactly one of {', '.join(fields)} must be given; {problem}")


class WrittenBody(Body):
    """The three forms in which a body may bring a definition."""

    workflow_definition: dict[str, Any] | None = None
    python_dsl: str | None = None
    yaml: str | None = None


class SourceBody(WrittenBody):
    """What to run, in exactly one of six forms, and how."""

    definition_id: uuid.UUID | None = None
    definition_hash: str | None = None
    workflow_name: Name | None = None
    version: int | None = Field(None, ge=1, description="only with workflow_name; the newest when it is left out")
    priority: int = Field(0, ge=-100, le=100)
    delay_seconds: float = Field(0, ge=0, le=YEAR_SECONDS)
    queue: QueueName = "default"
    tags: list[Label] = Field(default_factory=list, max_length=32)
    attributes: dict[Label, Any] = Field(default_factory=dict, max_length=64)

    @model_validator(mode="after")
    def names_one_source(self) -> SourceBody:
        """Exactly one form says what to run."""
        self.name_one(SOURCES)
        return self


class SubmitBody(SourceBody):
    """One run."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    execute: bool = Field(True, description="false: store the definition, start nothing")
    flow: FlowPart | None = Field(None, description="limits, partition, singleton, debounce, batch")


class BatchBody(SourceBody):
    """Many runs of one definition: one for each of the inputs, all or none."""

    inputs: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_TOGETHER)


class CancelBody(Body):
    """Why a run is to stop."""

    reason: Annotated[str, StringConstraints(max_length=500)] = ""


class EventBody(Body):
    """An event for a run."""

    event_name: Name = Field(validation_alias=AliasChoices("event_name", "name"))
    payload: Any = None


class SignalBody(Body):
    """A signal for a run."""

    signal_name: Name = Field(validation_alias=AliasChoices("signal_name", "name"))
    payload: Any = None


class UpdateBody(Body):
    """A request for a run, and how long to wait for its reply."""

    update_name: Name = Field(validation_alias=AliasChoices("update_name", "name"))
    payload: Any = Field(None, validation_alias=AliasChoices("update_payload", "payload"))
    timeout_seconds: float = Field(30, ge=0, le=60)


class RunQuery(PageQuery):
    """Which runs to list, and which page of them: by number, or by the cursor that the page before gave."""

    status: str | None = Field(None, description="one or several, separated by commas")
    state: str | None = Field(None, description="the same under the name that some clients use")
    workflow_name: str | None = Field(None, description="may hold *")
    tag: str | None = None
    attribute: list[Annotated[str, StringConstraints(pattern=r"^[^=]+=.+$", max_length=301)]] = Field(
        default_factory=list, description="name=value; all of several", max_length=16
    )
    q: str | None = Field(
        None,
        description="text in name or at the beginning of the id; in starter or error message of the newest 50,000 runs",
        max_length=200,
    )
    days: int | None = Field(None, ge=1, le=3650)
    created_from: datetime | None = None
    created_to: datetime | None = None


class StoryQuery(Schema):
    """Which part of a run's story to show."""

    after: int = Field(
        0,
        ge=0,
        description="the number of the last entry that is known already; to come back later: tail_after of the answer before",
    )
    limit: int = Field(100, ge=1, le=1000)


class VariableQuery(Schema):
    """Which variables of a run to show; all when none is named."""

    variable: str | None = None
    all: bool = False
    include_version: bool = False
