"""What people and clients read about activities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ActivityView:
    """One activity. ``task_id`` is its id, ``key`` its name in its run. Limits are in seconds, ``start_by`` and ``close_by`` points in time.

    ``silent_seconds`` is the time since its last sign of life; ``worker`` is named while it runs.
    """

    tenant_id: UUID
    task_id: UUID
    workflow_run_id: UUID
    workflow_name: str
    key: str
    state: str
    queue: str
    priority: int
    cancel_requested: bool
    created_at: datetime
    finished_at: datetime | None
    available_at: datetime | None
    completion_event: str | None
    result: Json
    error: JsonObject | None
    running_steps: list[JsonObject] | None
    function: str
    max_attempts: int
    start_by: datetime | None
    close_by: datetime | None
    start_to_close_seconds: float | None
    heartbeat_seconds: float | None
    last_heartbeat_at: datetime | None
    heartbeats: int
    details: Json
    attempt: int
    started_at: datetime | None
    worker_id: UUID | None
    worker: str | None
    retry_at: datetime | None
    last_error: JsonObject | None
    silent_seconds: float | None

    @property
    def processes(self) -> list[int]:
        """The process groups that the attempt under way has started, by their numbers on its worker's machine."""
        found: list[int] = []
        for step in self.running_steps or ():
            numbers = step.get("processes")
            found += [number for number in numbers if isinstance(number, int)] if isinstance(numbers, list) else []
        return found

    @property
    def duration_ms(self) -> float | None:
        """Milliseconds from the first attempt's start to the end; None while it is open."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class HeartbeatView:
    """One heartbeat: its number in the activity's life, and what it said."""

    number: int
    at: datetime
    attempt: int
    worker_id: UUID | None
    details: Json
