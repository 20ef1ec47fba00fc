"""How activities went, with the lines that they logged."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from ninja import Query

from engine.facade import ActivityFilter
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.router import requires

from .. import activity_presenters as presenters
from .. import activity_selectors as selectors
from ..activity_schemas import LogQuery
from .router import router

TAGS = ["logs"]


@router.get("/logs/activities", url_name="log-activities", tags=TAGS)
@requires("workflows.run:read")
def list_recent(request: Request, query: Query[LogQuery]) -> dict[str, Any]:
    """The newest activities of all runs."""
    found = selectors.activity_list(request.grant, ActivityFilter(), quantity=query.limit)
    shown = [presenters.activity(view) for view in found]
    return success({"activities": shown, "total": len(shown), "limit": query.limit})


@router.get("/logs/workflows/{uuid:workflow_run_id}/activities", url_name="log-run-activities", tags=TAGS)
@requires("workflows.run:read")
def list_of_run(request: Request, workflow_run_id: uuid.UUID, include_logs: bool = False) -> dict[str, Any]:
    """The activities of a run with how much each has logged; with ``include_logs`` also what."""
    found = selectors.activities_of_run(request.grant, workflow_run_id)
    logs = selectors.activity_logs(request.grant, workflow_run_id, found)
    shown = []
    for view in found:
        entry = presenters.activity_log(view, logs[view.key])
        if include_logs:
            entry["captured_logs"] = [presenters.captured_line(line) for line in logs[view.key]]
        shown.append(entry)
    states = Counter(view.state for view in found)
    summary = {"total_activities": len(found), "completed": states["completed"], "failed": states["failed"]}
    return success({"workflow_run_id": str(workflow_run_id), "activities": shown, "summary": summary})


@router.get(
    "/logs/workflows/{uuid:workflow_run_id}/activities/{uuid:activity_id}", url_name="log-run-activity", tags=TAGS
)
@requires("workflows.run:read")
def show_of_run(request: Request, workflow_run_id: uuid.UUID, activity_id: uuid.UUID) -> dict[str, Any]:
    """One activity of a run: how it went, what it gave, and what it logged."""
    view = selectors.activity_state(request.grant, activity_id, heartbeats=1).activity
    if view.workflow_run_id != workflow_run_id:
        raise not_found()
    lines = selectors.activity_logs(request.grant, workflow_run_id, [view])[view.key]
    entry = presenters.activity_log(view, lines)
    captured = [presenters.captured_line(line) for line in lines]
    return success({**entry, "result_summary": view.result, "error": view.error, "captured_logs": captured})
