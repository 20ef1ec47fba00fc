"""What people read about many runs at once: tasks, figures, workers. Frozen rows, assembled by `engine.facade`, never written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from engine.model.json import JsonObject

TaskState = Literal["pending", "running", "sleeping", "paused", "completed", "failed", "cancelled", "compensated"]
TASK_STATES: tuple[str, ...] = get_args(TaskState)
OPEN_STATES: tuple[str, ...] = ("pending", "running", "sleeping", "paused")

WorkerStatus = Literal["online", "paused", "draining", "offline"]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task: the unit that workers claim. ``name`` is its workflow's, ``key`` is '' for the run itself, else the branch or activity."""

    task_id: UUID
    workflow_run_id: UUID
    name: str
    kind: str
    key: str
    state: TaskState
    queue: str
    priority: int
    attempt: int
    rescues: int
    available_at: datetime | None
    claimed_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    error: JsonObject | None
    worker: str | None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list; empty does not filter."""

    states: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskCount:
    """How many tasks of a state are in a queue, counted up to a cap."""

    state: TaskState
    queue: str
    tasks: int


@dataclass(frozen=True, slots=True)
class ActiveTask:
    """A task that is being executed. Its worker is None when it has just been lost. ``running_steps``: those that have run for a while."""

    task_id: UUID
    workflow_run_id: UUID
    name: str
    kind: str
    key: str
    attempt: int
    running_steps: list[JsonObject] | None
    claimed_at: datetime
    worker: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Troubles:
    """Of the newest running tasks: how many have lost their worker, how many were rescued, and how often the unluckiest was."""

    lost: int
    rescued: int
    most_rescues: int


@dataclass(frozen=True, slots=True)
class Durations:
    """How long ended runs took, in seconds; None where none has ended."""

    average: float | None
    median: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Figures about the newest runs of a window, at most as many as were asked for: ``capped`` when there may be more."""

    since: datetime
    until: datetime
    total: int
    capped: bool
    by_status: Mapping[str, int]
    failures: Mapping[str, int]
    durations: Durations
    total_seconds: float

    @property
    def success_rate(self) -> float | None:
        """Completed runs among those that have ended; None when none has."""
        ended = sum(runs for status, runs in self.by_status.items() if status not in OPEN_STATES)
        return self.by_status.get("completed", 0) / ended if ended else None


@dataclass(frozen=True, slots=True)
class WorkflowStatistics:
    """The same for one workflow. ``stopped`` were cancelled or compensated."""

    name: str
    total: int
    completed: int
    failed: int
    stopped: int
    durations: Durations
    shortest: float | None
    longest: float | None

    @property
    def success_rate(self) -> float | None:
        """Completed runs among those that have ended; None when none has."""
        ended = self.completed + self.failed + self.stopped
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class StorySize:
    """How much a run has written, each counted up to a cap. ``steps``: checkpoints of steps, without the engine's own."""

    checkpoints: int
    steps: int
    events: int
    signals: int
    retries: int
    logs: int
    others: int

    @property
    def entries(self) -> int:
        """All that its story tells; log lines are apart."""
        return self.checkpoints + self.events + self.signals + self.retries + self.others


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened in one of many runs."""

    seq: int
    at: datetime
    kind: str
    scope: str
    step_key: str
    data: JsonObject
    workflow_run_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class FleetWorker:
    """A worker as operators see it. ``capacity``: tasks it holds at a time; ``batch``: tasks it takes at a time, None without a bound."""

    worker_id: UUID
    name: str
    status: WorkerStatus
    queues: list[str]
    slots: int
    capacity: int
    batch: int | None
    running: int
    reason: str
    code_version: str
    started_at: datetime
    last_seen_at: datetime
