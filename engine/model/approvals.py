"""What people and clients read about questions that people decide: frozen rows, never written back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from engine.model.json import Json, JsonObject

ApprovalState = Literal["pending", "approved", "rejected", "expired", "withdrawn"]
Vote = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class VoteView:
    """What a person said in a stage, counted from 0."""

    stage: int
    person: str
    vote: Vote
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A question of a step. ``stages`` are ``{"approvers", "quorum"}``, ``stage`` is the one that is being decided, from 0.

    ``requested_by``: whoever had a hand in starting the run. ``votes`` are in order. Withdrawn: the step waits no more. Expired: nobody decided in time,
    and the step went on as ``on_expiry`` says.
    """

    approval_id: UUID
    workflow_run_id: UUID
    workflow_name: str
    scope: str
    step_key: str
    key: str | None
    message: str
    data: Json
    stages: list[JsonObject]
    stage: int
    allow_self: bool
    on_expiry: str
    requested_by: list[str]
    requested_at: datetime
    expires_at: datetime
    state: ApprovalState
    decided_by: str
    decided_at: datetime | None
    votes: list[VoteView]

    @property
    def is_open(self) -> bool:
        """Whether somebody may still decide it."""
        return self.state == "pending"

    @property
    def approvers(self) -> list[str]:
        """Who decides the stage that is being decided; nobody in particular when empty."""
        return cast(list[str], self.stages[self.stage]["approvers"])

    @property
    def quorum(self) -> int:
        """How many of them have to agree."""
        return cast(int, self.stages[self.stage]["quorum"])

    @property
    def step(self) -> str:
        """The step that asks, with its branch."""
        return f"{self.scope}/{self.step_key}" if self.scope else self.step_key
