"""A task as a worker holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.kit.values import value
from engine.model.activity import ActivityPast
from engine.model.facts import Recorded, Waiting, WaitOver
from engine.model.json import JsonObject
from engine.model.undo import Undo

TaskKind = Literal["workflow", "branch", "activity"]
FinalState = Literal["completed", "failed", "cancelled", "compensated"]


@value(frozen=True, slots=True)
class ClaimedTask:
    """A claim: the right to execute one task, for as long as its ``epoch`` is the newest. ``key`` is '' for a run's own task."""

    tenant_id: UUID
    task_id: UUID
    workflow_run_id: UUID
    kind: TaskKind
    key: str
    path: list[str]
    queue: str
    attempt: int
    rescues: int
    epoch: int
    cancel_requested: bool
    cancel_reason: str | None
    cancel_outcome: FinalState | None
    context: JsonObject
    parent_task_id: UUID | None
    completion_event: str | None
    phase: Literal["", "undoing"]
    error: JsonObject | None  # why the run is undoing what it did
    definition_id: UUID
    definition_hash: str
    name: str
    inputs: JsonObject
    created_at: datetime
    turn_size: int = 1  # how many tasks its tenant could take in the turn in which it was claimed


@dataclass(slots=True)
class Loaded:
    """What is durable about a re-entered task: its finished steps, its open waits, which of those are over, its variables.

    ``past`` is for activities: what their earlier attempts left.
    """

    recorded: list[Recorded] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    over: list[WaitOver] = field(default_factory=list)
    variables: JsonObject = field(default_factory=dict)
    undo: list[Undo] = field(default_factory=list)  # the last thing done first; only of a run that is undoing
    open_forks: int = 0  # of a run that is undoing: branches, activities and children that have not ended
    past: ActivityPast = field(default_factory=ActivityPast)
