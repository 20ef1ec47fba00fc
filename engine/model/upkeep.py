"""Views of what guards runs and of what is left of them: breakers, locks, dead letters, retention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.model.json import JsonObject

BreakerState = Literal["closed", "open", "half_open"]
DeadLetterReason = Literal["poison", "definition", "storage", "divergence", "internal", "activity", "schedule"]


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A circuit breaker that has counted a failure at least once. ``workflow_name`` is '' where the tenant shares it."""

    workflow_name: str
    resource_key: str
    state: BreakerState
    consecutive_failures: int
    successes: int
    open_until: datetime | None
    last_error: JsonObject | None
    last_failure_at: datetime | None
    created_at: datetime
    changed_at: datetime
    seconds_until_half_open: float | None


@dataclass(frozen=True, slots=True)
class LockView:
    """A ticket of a run for a named lock. It holds the lock when ``ahead`` is 0; ``ticket`` is then the fencing number."""

    name: str
    ticket: int
    scope: str
    step_key: str
    requested_at: datetime
    acquired_at: datetime | None
    holder_ticket: int
    holder_run_id: UUID
    held_since: datetime | None
    ahead: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something the engine gave up on. ``request`` says what should have been started, where nothing was."""

    dead_letter_id: UUID
    reason: DeadLetterReason
    workflow_run_id: UUID | None
    workflow_name: str | None
    task_id: UUID | None
    scope: str
    step_key: str
    error: JsonObject
    request: JsonObject
    created_at: datetime
    requeued_at: datetime | None
    requeued_by: str | None
    requeued_run_id: UUID | None


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters; None or empty does not filter. ``is_open``: not requeued yet."""

    reasons: tuple[str, ...] = ()
    is_open: bool | None = None
    workflow_run_id: UUID | None = None
    older_than: datetime | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days ended runs are kept; None is for ever. ``failed`` is for failed, cancelled and compensated ones."""

    keep_completed_days: int | None
    keep_failed_days: int | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a retention policy does not keep: runs that completed, others, each counted up to a cap, and when the oldest ended."""

    completed: int
    failed: int
    oldest: datetime | None

    @property
    def runs(self) -> int:
        """All of them."""
        return self.completed + self.failed
