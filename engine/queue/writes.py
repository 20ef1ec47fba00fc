"""What one task wants written with the next group commit, collected by the orchestrator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from engine.kit.values import value
from engine.model.activity import ActivityPlan, Beat
from engine.model.breakers import BreakerPolicy, CallOutcome
from engine.model.commands import (
    AnswerUpdate,
    AwaitLock,
    AwaitSlots,
    CancelTasks,
    ChangeLock,
    Emit,
    EndListening,
    Record,
    SetAttributes,
    StartChild,
)
from engine.model.errors import StepError
from engine.model.json import Json, JsonObject
from engine.model.task import ClaimedTask, FinalState


@value(frozen=True, slots=True)
class RecordWrite:
    """A checkpoint and how long its last attempt took, in seconds; a step that waited began when its wait was registered."""

    record: Record
    seconds: float
    waited: bool = False


@value(frozen=True, slots=True)
class WaitWrite:
    """A wait to register; exactly one of ``seconds`` and ``until`` where it is bounded in time."""

    key: str
    kind: Literal["timer", "event", "retry", "tasks", "signal", "update", "person", "slot", "lock", "approval"]
    seconds: float | None = None
    until: str | None = None
    event_name: str | None = None
    awaited: list[str] | None = None
    needed: int | None = None
    attempt: int = 0
    error: StepError | None = None
    request: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class JournalWrite:
    """A fact that is not a checkpoint."""

    kind: str
    key: str
    data: JsonObject


@value(frozen=True, slots=True)
class CallWrite:
    """How a call of step ``key`` ended, for the circuit breaker of its resource; ``workflow_name`` is '' where the tenant shares it."""

    key: str
    workflow_name: str
    resource_key: str
    outcome: CallOutcome
    policy: BreakerPolicy
    error: StepError | None = None


@value(frozen=True, slots=True)
class ForkWrite:
    """A branch or activity to create; ``variables`` are the parent's at the fork, the start of its own."""

    task_id: UUID
    key: str
    kind: Literal["branch", "activity"]
    path: list[str]
    context: JsonObject
    variables: JsonObject
    completion_event: str | None
    plan: ActivityPlan | None = None


@value(frozen=True, slots=True)
class Finished:
    """Exit: the task is over; with ``continue_with`` the next run of its chain starts with these inputs."""

    state: FinalState
    result: Json = None
    error: JsonObject | None = None
    continue_with: JsonObject | None = None


@value(frozen=True, slots=True)
class Suspended:
    """Exit: nothing to do until a wait is over."""


@value(frozen=True, slots=True)
class HandedBack:
    """Exit: somebody else shall do it, after a delay in seconds."""

    seconds: float = 0.0


Collected = Emit | AnswerUpdate | CancelTasks | ChangeLock | SetAttributes | EndListening  # written as they are
Exit = Finished | Suspended | HandedBack


@dataclass(slots=True)
class TaskWrites:
    """One task's share of a group commit. ``pause_for`` is why its run pauses with this commit, in words; "" when it does not."""

    task: ClaimedTask
    records: list[RecordWrite] = field(default_factory=list)
    waits: list[WaitWrite] = field(default_factory=list)
    ended_waits: list[str] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)  # waits for messages that end if they got none
    lapsed: list[str] = field(default_factory=list)  # waits that are over, whatever message they may have got meanwhile
    journal: list[JournalWrite] = field(default_factory=list)
    forks: list[ForkWrite] = field(default_factory=list)
    children: list[StartChild] = field(default_factory=list)
    emits: list[Emit] = field(default_factory=list)
    answers: list[AnswerUpdate] = field(default_factory=list)
    cancels: list[CancelTasks] = field(default_factory=list)
    pause_for: str = ""
    slots: list[AwaitSlots] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)  # steps that give their slots back
    calls: list[CallWrite] = field(default_factory=list)
    lock_requests: list[AwaitLock] = field(default_factory=list)
    lock_changes: list[ChangeLock] = field(default_factory=list)
    attributes: list[SetAttributes] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    exit: Exit | None = None

    def __bool__(self) -> bool:
        return bool(
            self.exit
            or self.records
            or self.waits
            or self.journal
            or self.forks
            or self.children
            or self.emits
            or self.answers
            or self.cancels
            or self.ended_waits
            or self.closing
            or self.lapsed
            or self.slots
            or self.freed
            or self.calls
            or self.lock_changes
            or self.beats
        )

    @property
    def bulk(self) -> int:
        """How many rows it adds, about."""
        return len(self.records) + len(self.waits) + len(self.forks) + len(self.children)

    def collect(self, command: Collected) -> None:
        """Take a command that is written as it is."""
        match command:
            case Emit():
                self.emits.append(command)
            case AnswerUpdate():
                self.answers.append(command)
            case CancelTasks():
                self.cancels.append(command)
            case ChangeLock():
                self.lock_changes.append(command)
            case SetAttributes():
                self.attributes.append(command)
            case EndListening():
                (self.closing if command.if_quiet else self.ended_waits).append(command.key)
