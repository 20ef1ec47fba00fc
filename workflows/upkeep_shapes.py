"""Bodies, parameters and answers of the API about breakers, locks, dead letters and retention."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from engine.model.upkeep import BreakerView, DeadLetter, DeadLetterReason, LockView, Retention
from engine.model.views import StoryEntry

from .presenters import time
from .schemas import Body, Label

Json = dict[str, Any]
MAX_DAYS = 36_500


class BreakerQuery(Schema):
    """Which breakers to list."""

    state: Literal["CLOSED", "OPEN", "HALF_OPEN", "closed", "open", "half_open"] | None = None


class BreakerPlace(Schema):
    """Whose breaker: the tenant's, or that of a workflow."""

    workflow_name: str = Field("", max_length=200)


class LetterQuery(Schema):
    """Which letters to list."""

    reason: DeadLetterReason | None = None
    open: bool | None = Field(None, description="true: not requeued yet")
    page_size: int = Field(50, ge=1, le=200)
    cursor: uuid.UUID | None = None


class PurgeBody(Body):
    """Which letters to delete; all when nothing is said."""

    reasons: list[DeadLetterReason] = Field(default_factory=list)
    open: bool | None = None
    older_than_days: int | None = Field(None, ge=1, le=MAX_DAYS)
    dry_run: bool = True


class RetentionBody(Body):
    """Days that ended runs are kept; null is for ever. ``keep_failed_days`` is for failed, cancelled and compensated ones."""

    keep_completed_days: int | None = Field(ge=1, le=MAX_DAYS)
    keep_failed_days: int | None = Field(ge=1, le=MAX_DAYS)


class AttributesBody(Body):
    """Search attributes to set: text, numbers, booleans or lists of these; null takes one away."""

    attributes: dict[Label, Any] = Field(min_length=1, max_length=64)


def breaker(view: BreakerView) -> Json:
    """A circuit breaker."""
    return {
        "resource_key": view.resource_key,
        "workflow_name": view.workflow_name or None,
        "state": view.state.upper(),
        "failure_count": view.consecutive_failures,
        "success_count": view.successes,
        "open_until": time(view.open_until),
        "seconds_until_reopen": view.seconds_until_half_open,
        "last_error": view.last_error,
        "last_failure_at": time(view.last_failure_at),
        "created_at": time(view.created_at),
        "updated_at": time(view.changed_at),
    }


def lock_entry(entry: StoryEntry) -> Json:
    """Something that happened with a lock."""
    details = {name: value for name, value in entry.data.items() if name != "lock_name"}
    return {
        "event_type": entry.kind,
        "lock_name": entry.data.get("lock_name"),
        "timestamp": time(entry.at),
        "step_name": entry.step_key,
        "scope": entry.scope,
        "details": details,
    }


def held_lock(lock: LockView) -> Json:
    """A lock that is held or waited for."""
    return {
        "lock_name": lock.name,
        "held": lock.ahead == 0,
        "ahead": lock.ahead,
        "fencing": lock.ticket if lock.ahead == 0 else None,
        "requested_at": time(lock.requested_at),
        "acquired_at": time(lock.acquired_at),
        "holder_run_id": str(lock.holder_run_id),
        "held_since": time(lock.held_since),
    }


def dead_letter(letter: DeadLetter) -> Json:
    """A dead letter."""
    return {
        "dead_letter_id": str(letter.dead_letter_id),
        "reason": letter.reason,
        "workflow_run_id": str(letter.workflow_run_id) if letter.workflow_run_id else None,
        "workflow_name": letter.workflow_name,
        "scope": letter.scope,
        "step_name": letter.step_key,
        "error": letter.error,
        "request": letter.request,
        "created_at": time(letter.created_at),
        "requeued_at": time(letter.requeued_at),
        "requeued_by": letter.requeued_by,
        "requeued_run_id": str(letter.requeued_run_id) if letter.requeued_run_id else None,
    }


def retention(policy: Retention) -> Json:
    """How long ended runs are kept."""
    return {"keep_completed_days": policy.keep_completed_days, "keep_failed_days": policy.keep_failed_days}
