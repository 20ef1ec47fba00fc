"""Reads over many runs, tasks and queues of one tenant: one transaction, a handful of queries, whatever there is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from engine import facade
from engine.model.insight import (
    OPEN_STATES,
    TASK_STATES,
    ActiveTask,
    FleetWorker,
    RunStatistics,
    StorySize,
    TaskCount,
    TaskFilter,
    TaskRow,
    TimelineEntry,
    Troubles,
    WorkflowStatistics,
)
from engine.model.views import Health, RunFilter, RunRow, RunView, StepView, StoryEntry
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction

from ..tails import Tail
from .schemas import Window

ENDED_STATES = tuple(state for state in TASK_STATES if state not in OPEN_STATES)
SAMPLE = 100  # runs whose stories are measured for an average


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """A task, what its scope has checkpointed, and which attempts failed there."""

    task: TaskRow
    checkpoints: list[Any]
    attempts: list[TimelineEntry]


@dataclass(frozen=True, slots=True)
class Queues:
    """A tenant's tasks by queue, and who serves them. ``lately`` counts tasks that were made in the last day and have ended."""

    open: list[TaskCount]
    lately: list[TaskCount]
    oldest_seconds: dict[str, float]
    workers: list[FleetWorker]


@dataclass(frozen=True, slots=True)
class Metrics:
    """How the tenant's work is going, as monitoring asks it."""

    statistics: RunStatistics
    queues: Queues
    troubles: Troubles
    health: Health


def task_list(grant: Grant, chosen: TaskFilter, *, before: uuid.UUID | None, quantity: int) -> list[TaskRow]:
    """Tasks, newest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_tasks(connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=quantity)


def task_counts(grant: Grant, *, created_from: datetime | None = None) -> list[TaskCount]:
    """Tasks by queue and state."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.count_tasks(connection, tenant_id=grant.tenant_id, created_from=created_from)


def task_detail(grant: Grant, task_id: uuid.UUID) -> TaskDetail:
    """One task with what it has done."""
    tenant_id = grant.tenant_id
    with tenant_transaction(tenant_id) as connection:
        task = facade.get_task(connection, tenant_id=tenant_id, task_id=task_id)
        checkpoints = facade.list_checkpoints(
            connection, tenant_id=tenant_id, workflow_run_id=task.workflow_run_id, scope=task.key
        )
        failures = facade.list_timeline(
            connection,
            tenant_id=tenant_id,
            since=task.created_at,
            workflow_run_id=task.workflow_run_id,
            kinds=["attempt_failed", "rescued"],
            quantity=1_000,
        )
    own = [entry for entry in reversed(failures) if entry.scope == task.key]
    return TaskDetail(task, checkpoints, own)


def active_tasks(grant: Grant, *, minutes: int) -> list[ActiveTask]:
    """What is being executed."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_active(connection, tenant_id=grant.tenant_id, minutes=minutes)


def run_statistics(grant: Grant, window: Window, name: str | None) -> RunStatistics:
    """Figures about the runs of a window."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.run_statistics(
            connection, tenant_id=grant.tenant_id, since=window.since, until=window.until, name=name
        )


def workflow_statistics(grant: Grant, *, since: datetime, name: str | None) -> list[WorkflowStatistics]:
    """Figures by workflow."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.workflow_statistics(connection, tenant_id=grant.tenant_id, since=since, name=name)


def run_size(grant: Grant, run_id: uuid.UUID) -> tuple[RunView, StorySize]:
    """A run and how much it has written."""
    with tenant_transaction(grant.tenant_id) as connection:
        run = facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        sizes = facade.story_sizes(connection, tenant_id=grant.tenant_id, run_ids=[run_id])
    return run, sizes[run_id]


def run_logs(
    grant: Grant, chosen: RunFilter, *, before: uuid.UUID | None, quantity: int
) -> list[tuple[RunRow, StorySize]]:
    """Runs, newest first, each with how much it has written."""
    with tenant_transaction(grant.tenant_id) as connection:
        runs = facade.find_runs(connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=quantity)
        sizes = facade.story_sizes(connection, tenant_id=grant.tenant_id, run_ids=[run.workflow_run_id for run in runs])
    return [(run, sizes[run.workflow_run_id]) for run in runs]


def average_entries(grant: Grant, chosen: RunFilter) -> float | None:
    """How much the newest runs of a filter tell, on average; None without any."""
    sizes = [size.entries for _, size in run_logs(grant, chosen, before=None, quantity=SAMPLE)]
    return sum(sizes) / len(sizes) if sizes else None


def timeline(
    grant: Grant, *, since: datetime, run_id: uuid.UUID | None, kinds: list[str], quantity: int
) -> list[TimelineEntry]:
    """What happened lately, newest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        if run_id is not None:
            facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_timeline(
            connection, tenant_id=grant.tenant_id, since=since, workflow_run_id=run_id, kinds=kinds, quantity=quantity
        )


def queues(grant: Grant, names: tuple[str, ...] = ()) -> Queues:
    """The tenant's queues, or the named ones."""
    with tenant_transaction(grant.tenant_id) as connection:
        return _queues(connection, grant, names)


def metrics(grant: Grant, *, seconds: float) -> Metrics:
    """How things have gone for so long."""
    now = timezone.now()
    with tenant_transaction(grant.tenant_id) as connection:
        return Metrics(
            statistics=facade.run_statistics(
                connection, tenant_id=grant.tenant_id, since=now - timedelta(seconds=seconds), until=now
            ),
            queues=_queues(connection, grant, ()),
            troubles=facade.task_troubles(connection, tenant_id=grant.tenant_id),
            health=facade.health(connection),
        )


def _queues(connection: Any, grant: Grant, names: tuple[str, ...]) -> Queues:
    waiting = facade.count_tasks(connection, tenant_id=grant.tenant_id, queues=names, states=OPEN_STATES)
    yesterday = timezone.now() - timedelta(days=1)
    lately = facade.count_tasks(
        connection, tenant_id=grant.tenant_id, queues=names, states=ENDED_STATES, created_from=yesterday
    )
    known = sorted({count.queue for count in (*waiting, *lately)})
    return Queues(
        open=waiting,
        lately=lately,
        oldest_seconds=facade.oldest_pending(connection, tenant_id=grant.tenant_id, queues=known),
        workers=facade.list_fleet(connection),
    )


def step_logs(grant: Grant, run_id: uuid.UUID, *, step: str | None, after: int, quantity: int) -> Tail:
    """Log lines of one step of a run, or of all."""
    with tenant_transaction(grant.tenant_id) as connection:
        settled = facade.story_settled(connection)
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        lines = facade.list_step_logs(
            connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, step=step, after=after, quantity=quantity
        )
    return Tail(lines, after, quantity, settled)


def step_story(grant: Grant, run_id: uuid.UUID, step: StepView) -> list[StoryEntry]:
    """What one execution of a step went through."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_step_story(
            connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, scope=step.scope, step_key=step.key
        )
