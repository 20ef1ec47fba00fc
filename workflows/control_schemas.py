"""Bodies of the routes that control runs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from engine.facade.bulk import STEP_SIZE, BulkAction
from engine.model.views import RunStatus

from .schemas import YEAR_SECONDS, Body, Label, Name

Reason = Annotated[str, StringConstraints(max_length=500)]
StepPath = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ReasonBody(Body):
    """Why."""

    reason: Reason = ""


class StepInput(Body):
    """Other arguments for a step; what is left out stays as it was."""

    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None


class ResumeBody(Body):
    """How a run goes on: arguments for steps that wait for a person, by path (``scope/step`` inside a branch)."""

    step_inputs: dict[StepPath, StepInput] = Field(default_factory=dict)

    def given(self) -> dict[str, dict[str, Any]]:
        """Only what was given."""
        return {path: step.model_dump(exclude_none=True) for path, step in self.step_inputs.items()}


class GiveUpBody(Body):
    """Which step is to fail."""

    step: StepPath = Field(description="its path: its key, after that of its branch")


class ForkBody(Body):
    """From which step, and with what inputs; those of the source when they are left out."""

    from_step: StepPath
    inputs: dict[str, Any] | None = None


class ChangeBody(Body):
    """What is to change of an open run: its priority, or when it starts."""

    priority: int | None = Field(None, ge=-100, le=100)
    start_at: AwareDatetime | None = None
    delay_seconds: float | None = Field(None, ge=0, le=YEAR_SECONDS)

    @model_validator(mode="after")
    def changes_something(self) -> ChangeBody:
        """A start has one form, and something has to change."""
        if self.start_at is not None and self.delay_seconds is not None:
            raise ValueError("give one of start_at and delay_seconds")
        if self.priority is None and self.start_at is None and self.delay_seconds is None:
            raise ValueError("give priority, start_at or delay_seconds")
        return self


class BulkFilter(Body):
    """Which runs; what is left out does not filter."""

    statuses: list[RunStatus] = Field(default_factory=list)
    workflow_names: list[Name] = Field(default_factory=list, max_length=50, description="may hold *")
    tags: list[Label] = Field(default_factory=list, max_length=32)
    text: Annotated[str, StringConstraints(max_length=200)] = ""
    created_from: datetime | None = None
    created_to: datetime | None = None


class BulkBody(Body):
    """What to do to which runs. A dry run, which is the default, only counts them."""

    action: BulkAction
    filter: BulkFilter
    dry_run: bool = True
    cursor: uuid.UUID | None = Field(None, description="go on behind this run: next_cursor of the answer before")
    limit: int = Field(STEP_SIZE, ge=1, le=500, description="runs of one request")
