"""Parameters and bodies of the routes about activities."""

from __future__ import annotations

import uuid
from typing import get_args

from ninja import Schema
from pydantic import Field, field_validator

from engine.model.views import RunStatus

from .schemas import Body

STATES = get_args(RunStatus)
MAX_OFFSET = 1_000
RETENTION_HOURS = 24.0


class ActivityQuery(Schema):
    """Which activities to list, and which part of them: behind a cursor, or, near the newest, by an offset."""

    status: str | None = Field(None, description="one or several, separated by commas")
    worker_id: uuid.UUID | None = None
    function_name: str | None = Field(None, description="a part of the tool's name", max_length=300)
    workflow_run_id: uuid.UUID | None = None
    limit: int = Field(100, ge=1, le=500)
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="farther on, use the cursor")
    cursor: uuid.UUID | None = None

    @field_validator("status")
    @classmethod
    def knows_every_state(cls, status: str | None) -> str | None:
        """A misspelt state would look like an empty list."""
        unknown = [word for word in _words(status) if word not in STATES]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(STATES)}")
        return status

    @property
    def states(self) -> tuple[str, ...]:
        """The states asked for."""
        return _words(self.status)


class StaleQuery(Schema):
    """After how many seconds without a sign of life an activity is stale."""

    threshold: float = Field(60.0, gt=0, le=366 * 86_400)


class StatusQuery(Schema):
    """The same under the name that the overview uses."""

    stale_threshold: float = Field(60.0, gt=0, le=366 * 86_400)


class DetailQuery(Schema):
    """Whether the heartbeats come with an activity, and how many."""

    include_heartbeats: bool = True
    heartbeat_limit: int = Field(50, ge=1, le=500)


class HeartbeatQuery(Schema):
    """How many heartbeats to show; the engine keeps a hundred of each activity."""

    limit: int = Field(100, ge=1, le=500)


class LogQuery(Schema):
    """How many activities to show."""

    limit: int = Field(100, ge=1, le=500)


class CleanupBody(Body):
    """How old heartbeats may be."""

    retention_hours: float = Field(RETENTION_HOURS, ge=0, le=10 * 366 * 24)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
