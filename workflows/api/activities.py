"""Activities: what is queued, what runs and how it is doing, and how to stop one."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from ninja import Query

from engine.facade import CLEANUP_BATCH, ActivityFilter
from engine.model.activity_views import ActivityView
from engine.model.views import TERMINAL_STATUSES
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import activity_presenters as presenters
from .. import activity_selectors as selectors
from .. import activity_services as services
from ..activity_schemas import (
    RETENTION_HOURS,
    ActivityQuery,
    CleanupBody,
    DetailQuery,
    HeartbeatQuery,
    StaleQuery,
    StatusQuery,
)
from ..schemas import CancelBody
from .router import router

TAGS = ["activities"]


@router.get("/activities", url_name="activity-list", tags=TAGS)
@requires("workflows.run:read")
def list_activities(request: Request, query: Query[ActivityQuery]) -> dict[str, Any]:
    """Activities, newest first, by filters; go on with the cursor of the part before."""
    chosen = ActivityFilter(
        states=query.states,
        workflow_run_id=query.workflow_run_id,
        worker_id=query.worker_id,
        function=query.function_name or "",
    )
    offset = 0 if query.cursor else query.offset
    found = selectors.activity_list(
        request.grant, chosen, before=query.cursor, quantity=offset + query.limit + 1
    )[offset:]  # fmt: skip
    shown, more = found[: query.limit], len(found) > query.limit
    next_cursor = str(shown[-1].task_id) if more else None
    return success(
        {
            **_listed(shown),
            "limit": query.limit,
            "offset": query.offset,
            "pagination": {"has_more": more, "next_cursor": next_cursor},
        }
    )


@router.get("/activities/stale", url_name="activity-stale", tags=TAGS)
@requires("workflows.run:read")
def list_stale(request: Request, query: Query[StaleQuery]) -> dict[str, Any]:
    """Running activities that have given no sign of life for so many seconds."""
    chosen = ActivityFilter(states=("running",), silent_for_seconds=query.threshold)
    found = selectors.activity_list(request.grant, chosen, quantity=selectors.MAX_OVERVIEW)
    return success({**_listed(found), "threshold_seconds": query.threshold})


@router.get("/activities/status", url_name="activity-status", tags=TAGS)
@requires("workflows.run:read")
def show_status(request: Request, query: Query[StatusQuery]) -> dict[str, Any]:
    """Live workers with this tenant's activities on them, how many activities are in each state, and which are silent."""
    now = selectors.activity_overview(request.grant, stale_seconds=query.stale_threshold)
    workers = [
        presenters.busy_worker(worker, [view for view in now.running if view.worker_id == worker.worker_id])
        for worker in now.workers
    ]
    return success(
        {
            "workers": workers,
            "queue_summary": now.counts,
            "stale_activities": [presenters.activity(view) for view in now.stale],
            "stale_count": len(now.stale),
            "stale_threshold_seconds": query.stale_threshold,
        }
    )


@router.post("/activities/cleanup-heartbeats", url_name="activity-cleanup", tags=TAGS)
@requires("workflows.activity:manage")
def clean_up_heartbeats(request: Request, body: CleanupBody | None = None) -> HttpResponse:
    """Delete old heartbeats of this tenant, at most ten thousand at a time; ``more`` says whether to ask again."""
    hours = body.retention_hours if body else RETENTION_HOURS

    def work(connection: Any) -> Outcome:
        deleted = services.heartbeats_forget(request.grant, connection, hours)
        more = deleted == CLEANUP_BATCH
        return Outcome({"deleted_count": deleted, "retention_hours": hours, "more": more})

    return answer_once(request, work)


@router.get("/activities/{uuid:activity_id}", url_name="activity-detail", tags=TAGS)
@requires("workflows.run:read")
def show_activity(request: Request, activity_id: uuid.UUID, query: Query[DetailQuery]) -> dict[str, Any]:
    """One activity: its state, its limits, what it was given and gave, and its last heartbeats."""
    state = selectors.activity_state(request.grant, activity_id, heartbeats=query.heartbeat_limit)
    shown = presenters.activity_detail(state.activity, state.given)
    if query.include_heartbeats:
        shown["heartbeats"] = [presenters.heartbeat(beat) for beat in state.heartbeats]
    return success(shown)


@router.get("/activities/{uuid:activity_id}/heartbeats", url_name="activity-heartbeats", tags=TAGS)
@requires("workflows.run:read")
def list_heartbeats(request: Request, activity_id: uuid.UUID, query: Query[HeartbeatQuery]) -> dict[str, Any]:
    """The last heartbeats of an activity, newest first."""
    beats = selectors.activity_state(request.grant, activity_id, heartbeats=query.limit).heartbeats
    shown = [presenters.heartbeat(beat) for beat in beats]
    return success({"activity_id": str(activity_id), "heartbeats": shown, "count": len(shown)})


@router.post("/activities/{uuid:activity_id}/cancel", url_name="activity-cancel", tags=TAGS)
@requires("workflows.run:cancel")
def cancel_activity(request: Request, activity_id: uuid.UUID, body: CancelBody | None = None) -> HttpResponse:
    """Ask one activity to stop; its run goes on. 409 when it has ended already."""
    reason = body.reason if body else ""

    def work(connection: Any) -> Outcome:
        state = services.activity_cancel(request.grant, connection, activity_id, reason)
        return Outcome({"activity_id": str(activity_id), "status": state, "cancel_requested": True})

    return answer_once(request, work)


@router.get("/workflows/{uuid:workflow_run_id}/activities", url_name="run-activities", tags=TAGS)
@requires("workflows.run:read")
def list_activities_of_run(
    request: Request, workflow_run_id: uuid.UUID, include_completed: bool = True
) -> dict[str, Any]:
    """The activities of a run in the order in which they were queued."""
    found = selectors.activities_of_run(request.grant, workflow_run_id)
    chosen = [view for view in found if include_completed or view.state not in TERMINAL_STATUSES]
    return success({"workflow_run_id": str(workflow_run_id), **_listed(chosen)})


def _listed(views: list[ActivityView]) -> dict[str, Any]:
    return {"activities": [presenters.activity(view) for view in views], "count": len(views), "total": len(views)}
