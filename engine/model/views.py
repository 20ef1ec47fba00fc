"""What people and clients read about runs: frozen rows, assembled by `engine.facade`, never written back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.model.json import Json, JsonObject

RunStatus = Literal["pending", "running", "sleeping", "paused", "completed", "failed", "cancelled", "compensated"]
TERMINAL_STATUSES: frozenset[str] = frozenset({"completed", "failed", "cancelled", "compensated"})

StepStatus = Literal[
    "running", "sleeping", "waiting", "approval", "retrying", "succeeded", "failed", "timedout", "skipped", "cancelled"
]


@dataclass(frozen=True, slots=True)
class DefinitionRef:
    """A stored definition by its labels. ``created`` is false when the same content was stored before."""

    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    created: bool = False


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """A stored definition, whole. ``source`` is what its author wrote, in ``source_format``."""

    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    definition: JsonObject
    source: str
    source_format: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow by name: its newest definition and how its last runs (newest first, at most 20) went."""

    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    source_format: str
    created_at: datetime
    last_statuses: list[str]
    last_run_at: datetime | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run that was accepted: from here on it is never lost. ``joined``: it was there already, and took the submission in."""

    workflow_run_id: UUID
    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    status: str
    joined: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a list."""

    workflow_run_id: UUID
    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    status: RunStatus
    queue: str
    priority: int
    trigger: str
    triggered_by: str
    tags: list[str]
    parent_run_id: UUID | None
    retry_of: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    error: JsonObject | None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; None or empty does not filter. ``names`` may hold ``*``; ``text`` searches name, id, starter and error message."""

    statuses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # (name, value as text), all of which a run must have
    text: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with what it is doing. ``error`` has kind, message, type, and ``step`` + ``scope`` of the cause; ``tag`` changes with every change."""

    workflow_run_id: UUID
    definition_id: UUID
    definition_hash: str
    name: str
    version: int
    status: RunStatus
    queue: str
    priority: int
    trigger: str
    triggered_by: str
    tags: list[str]
    attributes: JsonObject
    inputs: JsonObject
    error: JsonObject | None
    parent_run_id: UUID | None
    retry_of: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    attempt: int
    worker: str | None
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    fork_of: UUID | None = None
    fork_step: str | None = None
    continued_from: UUID | None = None
    continued_to: UUID | None = None
    result: Json = None

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.status not in TERMINAL_STATUSES


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a step is not going on: a timer, an event, a retry, other tasks, a person, a limit, a lock or admission; ``due_at`` is when it ends by itself."""

    kind: Literal[
        "timer", "event", "retry", "tasks", "signal", "update", "person", "slot", "lock", "room", "start", "approval"
    ]
    due_at: datetime | None
    event_name: str | None
    awaited: list[str] | None
    needed: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A failed attempt of a step."""

    attempt: int
    at: datetime
    error: JsonObject


@dataclass(frozen=True, slots=True)
class StepView:
    """One execution of a step. ``scope`` is '' in the run itself, else the branch or activity; ``key`` counts loop rounds: ``loop[0]/body``."""

    scope: str
    key: str
    task_id: str
    operator: str
    status: StepStatus
    attempt: int = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None
    input: Json = None
    result: Json = None
    error: JsonObject | None = None
    reason: str = ""
    worker: str | None = None
    wait: Wait | None = None
    attempts: list[Attempt] = field(default_factory=list)
    seq: int = 0

    @property
    def duration_ms(self) -> float | None:
        """Milliseconds from start to end; None while it is open."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """Something that happened. Kinds: step_succeeded, step_failed, step_skipped, attempt_failed, event, signal, log, rescued, cancel_requested, ..."""

    seq: int
    at: datetime
    kind: str
    scope: str
    step_key: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class EventView:
    """An event of a run; the first emit of a name won."""

    seq: int
    at: datetime
    name: str
    payload: Json
    emitted_by: str


@dataclass(frozen=True, slots=True)
class SignalView:
    """A signal in a run's inbox."""

    seq: int
    at: datetime
    name: str
    payload: Json
    sent_by: str
    taken_by: str | None = None  # the step that took it out of the inbox


@dataclass(frozen=True, slots=True)
class VariableView:
    """A variable of a run or branch. ``version`` counts how often it was set."""

    name: str
    value: Json
    version: int


@dataclass(frozen=True, slots=True)
class Related:
    """A run of the same family. ``relation``: parent, child, retry_of (what this one repeats), retry (a repetition of this one),
    fork_of, fork, continued_from, continued_to.
    """

    workflow_run_id: UUID
    name: str
    status: RunStatus
    created_at: datetime
    relation: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause why an open run is not going on, in words and as data."""

    code: str
    text: str
    scope: str = ""
    step_key: str = ""
    until: datetime | None = None
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A live worker process."""

    worker_id: UUID
    name: str
    queues: list[str]
    slots: int
    running: int
    draining: bool
    started_at: datetime
    last_seen_at: datetime
    code_version: str
    takes_work: bool


@dataclass(frozen=True, slots=True)
class Health:
    """Whether due work is being claimed. ``problem`` is '' or a sentence."""

    healthy: bool
    problem: str
    workers: int
    oldest_due_seconds: float
    due_tasks: int
