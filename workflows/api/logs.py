"""Logs: ended runs in short, what a run and its steps have said, and what programs printed."""

from __future__ import annotations

import uuid
from typing import Any

from ninja import Query

from engine.model.views import RunFilter
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.paging import refuse_far
from highway_platform.kit.rest.router import requires

from .. import selectors
from ..insight import presenters
from ..insight import selectors as insight
from ..insight.schemas import LogQuery, StepLogQuery, Window, WindowQuery, window_of
from ..insight.steps import choose_step, function_of, step_log
from ..presenters import log_line
from ..tails import Tail
from .router import router

TAGS = ["logs"]
ENDED = {"success": ("completed",), "failure": ("failed", "cancelled", "compensated")}


@router.get("/logs/workflows", url_name="log-list", tags=TAGS)
@requires("workflows.run:read")
def list_run_logs(request: Request, query: Query[LogQuery]) -> dict[str, Any]:
    """Ended runs, newest first; far parts by the cursor of the part before."""
    refuse_far(query.offset + query.limit, "query.offset")
    statuses = ENDED[query.status] if query.status else ENDED["success"] + ENDED["failure"]
    chosen = _chosen(query, statuses, window_of(query) if query.since or query.until or query.hours else None)
    quantity = query.offset + query.limit + 1
    rows = insight.run_logs(request.grant, chosen, before=query.cursor, quantity=quantity)[query.offset :]
    shown = [presenters.run_log(run, size) for run, size in rows[: query.limit]]
    more = len(rows) > query.limit
    return success(
        {
            "workflows": shown,
            "count": len(shown),
            "limit": query.limit,
            "offset": query.offset,
            "has_more": more,
            "next_cursor": shown[-1]["workflow_run_id"] if more else None,
        }
    )


@router.get("/logs/stats", url_name="log-stats", tags=TAGS)
@requires("workflows.run:read")
def show_log_statistics(request: Request, query: Query[WindowQuery]) -> dict[str, Any]:
    """Figures about ended runs, in milliseconds; how much they tell is the average of the newest hundred."""
    window = window_of(query)
    figures = insight.run_statistics(request.grant, window, query.workflow_name)
    chosen = _chosen(query, ENDED["success"] + ENDED["failure"], window)
    return success(presenters.log_statistics(figures, insight.average_entries(request.grant, chosen)))


def _chosen(query: WindowQuery, statuses: tuple[str, ...], window: Window | None) -> RunFilter:
    return RunFilter(
        statuses=statuses,
        names=(query.workflow_name,) if query.workflow_name else (),
        created_from=window.since if window else None,
        created_to=window.until if window else None,
    )


@router.get("/logs/workflows/{uuid:workflow_run_id}", url_name="log-detail", tags=TAGS)
@requires("workflows.run:read")
def show_run_log(request: Request, workflow_run_id: uuid.UUID, query: Query[StepLogQuery]) -> dict[str, Any]:
    """A run in short, and the lines that its steps have logged."""
    run, size = insight.run_size(request.grant, workflow_run_id)
    lines = selectors.log_list(request.grant, workflow_run_id, after=query.after, quantity=query.limit)
    logs = [log_line(line) for line in lines.entries]
    return success({**presenters.run_log(run, size), "logs": logs, **lines.places()})


@router.get("/logs/workflows/{uuid:workflow_run_id}/tasks/{path:task_id}", url_name="log-task", tags=TAGS)
@requires("workflows.run:read")
def show_task_log(request: Request, workflow_run_id: uuid.UUID, task_id: str) -> dict[str, Any]:
    """One step by its task's id: what its program printed, how it ended, and the lines that it logged."""
    state = selectors.run_state(request.grant, workflow_run_id)
    step = choose_step(state.steps, task_id)
    if step is None:
        raise not_found()
    lines = insight.step_logs(request.grant, workflow_run_id, step=step.key, after=0, quantity=500)
    told = step_log(step, function_of(state.definition.definition, step.task_id))
    return success(
        {"workflow_run_id": str(workflow_run_id), **told, "logs": [log_line(line) for line in lines.entries]}
    )


@router.get("/workflows/{uuid:workflow_run_id}/steps/logs", url_name="step-log-list", tags=["steps"])
@requires("workflows.run:read")
def list_step_logs(request: Request, workflow_run_id: uuid.UUID, query: Query[StepLogQuery]) -> dict[str, Any]:
    """The lines that the steps of a run have logged, oldest first, or those of one step."""
    lines = insight.step_logs(
        request.grant, workflow_run_id, step=query.step_name, after=query.after, quantity=query.limit
    )
    return success(_lines(workflow_run_id, lines))


@router.get("/workflows/{uuid:workflow_run_id}/steps/{path:step_name}/logs", url_name="step-log-detail", tags=["steps"])
@requires("workflows.run:read")
def show_step_logs(
    request: Request, workflow_run_id: uuid.UUID, step_name: str, query: Query[StepLogQuery]
) -> dict[str, Any]:
    """The lines of one step, in the run itself and in its branches, and what its program printed."""
    _, steps = selectors.step_list(request.grant, workflow_run_id)
    step = choose_step(steps, step_name)
    if step is None:
        raise not_found()
    lines = insight.step_logs(request.grant, workflow_run_id, step=step_name, after=query.after, quantity=query.limit)
    printed = {name: value for name, value in step_log(step, None).items() if name.startswith("output_")}
    return success({"step_name": step_name, **_lines(workflow_run_id, lines), **printed})


def _lines(run_id: uuid.UUID, lines: Tail) -> dict[str, Any]:
    return {
        "workflow_run_id": str(run_id),
        "logs": [log_line(line) for line in lines.entries],
        "count": len(lines.entries),
        **lines.places(),
    }
