"""What can be asked and told about workers."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import Field, StringConstraints

from ..schemas import Body


class WorkerQuery(Schema):
    """Which workers to list. ``machine_id`` is the name of a worker, or the machine's, which it begins with."""

    status: str | None = Field(default=None, pattern="^(online|paused|draining|offline)$")
    queue_name: str | None = Field(default=None, max_length=200)
    machine_id: str | None = Field(default=None, max_length=200)


class PauseBody(Body):
    """Why a worker is to pause."""

    reason: Annotated[str, StringConstraints(max_length=500)] = ""


class CapacityBody(Body):
    """How much a worker is to hold and to take at a time. Null is what it was started with; what is left out stays as it is."""

    max_concurrent_tasks: int | None = Field(default=None, ge=1, le=10_000)
    batch_size: int | None = Field(default=None, ge=1, le=10_000)


class ResumeBody(Body):
    """How much a worker is to take at a time from now on."""

    batch_size: int | None = Field(default=None, ge=1, le=10_000)


class CleanupBody(Body):
    """After how many seconds of silence a worker is given up."""

    threshold_seconds: float = Field(default=90, ge=10, le=86_400)
