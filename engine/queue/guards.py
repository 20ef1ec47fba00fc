"""Rows of a group commit about circuit breakers, named locks and search attributes: the columns behind tenant, task and epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.kit.json_text import dumps
from engine.queue.writes import TaskWrites

Rows = Iterable[tuple[TaskWrites, tuple[Any, ...]]]

CALL = (
    "keys", "workflows", "resources", "outcomes", "failure_thresholds", "success_thresholds", "isolations", "errors",
)  # fmt: skip
LOCK_CHANGE = ("keys", "names", "changes")
LOCK_REQUEST = ("keys", "names")
ATTRIBUTES = ("run_ids", "changes")


def calls(batch: Sequence[TaskWrites]) -> Rows:
    """How guarded calls ended."""
    for writes in batch:
        for call in writes.calls:
            yield writes, (
                call.key, call.workflow_name, call.resource_key, call.outcome, call.policy.failure_threshold,
                call.policy.success_threshold, call.policy.isolation_seconds, dumps(call.error.to_json()) if call.error else None,
            )  # fmt: skip


def lock_changes(batch: Sequence[TaskWrites]) -> Rows:
    """Tickets that were taken notice of, left or given back."""
    for writes in batch:
        for change in writes.lock_changes:
            yield writes, (change.key, change.name, change.change)


def lock_requests(batch: Sequence[TaskWrites]) -> Rows:
    """New tickets."""
    for writes in batch:
        over = {change.key for change in writes.lock_changes if change.change == "left"}
        for request in writes.lock_requests:
            ticket = request.ticket or request.key
            if ticket not in over:  # given up in the very commit in which it was asked for
                yield writes, (ticket, request.name)


def attributes(batch: Sequence[TaskWrites]) -> Rows:
    """Search attributes that steps set."""
    for writes in batch:
        for change in writes.attributes:
            yield writes, (writes.task.workflow_run_id, dumps(change.attributes))
