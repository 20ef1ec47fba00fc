"""Reads about activities: each opens one transaction for the tenant of the grant."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from engine import facade
from engine.facade import ActivityFilter
from engine.model.activity_views import ActivityView, HeartbeatView
from engine.model.views import StoryEntry, WorkerView
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction

MAX_OF_A_RUN = 1_000
MAX_OVERVIEW = 500
LOG_LINES = 1_000


@dataclass(frozen=True, slots=True)
class ActivityState:
    """One activity, what it was given, and its heartbeats."""

    activity: ActivityView
    given: Any
    heartbeats: list[HeartbeatView]


@dataclass(frozen=True, slots=True)
class Overview:
    """Who works on what, how much waits, and what has been silent for too long."""

    workers: list[WorkerView]
    running: list[ActivityView]
    counts: dict[str, int]
    stale: list[ActivityView]


def activity_list(
    grant: Grant, chosen: ActivityFilter, *, before: uuid.UUID | None = None, quantity: int = 100
) -> list[ActivityView]:
    """Activities, newest first; ``before`` is the last one of the part before."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_activities(
            connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=quantity
        )


def activity_state(grant: Grant, activity_id: uuid.UUID, *, heartbeats: int) -> ActivityState:
    """One activity with its last heartbeats."""
    tenant_id = grant.tenant_id
    with tenant_transaction(tenant_id) as connection:
        found = facade.get_activity(connection, tenant_id=tenant_id, activity_id=activity_id)
        beats = facade.list_heartbeats(connection, tenant_id=tenant_id, activity_id=activity_id, quantity=heartbeats)
        done = facade.list_checkpoints(
            connection, tenant_id=tenant_id, workflow_run_id=found.workflow_run_id, scope=found.key, quantity=5
        )
    given = [row["input"] for row in done if not row["step_key"].startswith("@")]
    given += [step.get("input") for step in found.running_steps or ()]
    return ActivityState(found, next(iter(given), None), beats)


def activity_overview(grant: Grant, *, stale_seconds: float) -> Overview:
    """The tenant's activities and the live workers."""
    tenant_id = grant.tenant_id
    running = ActivityFilter(states=("running",))
    stale = ActivityFilter(states=("running",), silent_for_seconds=stale_seconds)
    with tenant_transaction(tenant_id) as connection:
        return Overview(
            workers=facade.workers(connection),
            running=facade.list_activities(connection, tenant_id=tenant_id, chosen=running, quantity=MAX_OVERVIEW),
            counts=facade.count_activities(connection, tenant_id=tenant_id),
            stale=facade.list_activities(connection, tenant_id=tenant_id, chosen=stale, quantity=MAX_OVERVIEW),
        )


def activities_of_run(grant: Grant, run_id: uuid.UUID) -> list[ActivityView]:
    """The activities of a run in the order in which they were queued."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        chosen = ActivityFilter(workflow_run_id=run_id)
        newest_first = facade.list_activities(
            connection, tenant_id=grant.tenant_id, chosen=chosen, quantity=MAX_OF_A_RUN
        )
    return newest_first[::-1]


def activity_logs(grant: Grant, run_id: uuid.UUID, activities: list[ActivityView]) -> dict[str, list[StoryEntry]]:
    """The lines that activities of one run have logged, by their keys."""
    keys = [activity.key for activity in activities]
    with tenant_transaction(grant.tenant_id) as connection:
        lines = facade.list_activity_logs(
            connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, keys=keys, quantity=LOG_LINES
        )
    found: dict[str, list[StoryEntry]] = {key: [] for key in keys}
    for line in lines:
        found[line.scope].append(line)
    return found
