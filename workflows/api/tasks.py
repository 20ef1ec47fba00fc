"""Tasks: what workers claim, over all runs of the tenant; and which of them are being executed now."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ninja import Query

from engine.model.insight import TASK_STATES, TaskFilter, TaskRow
from highway_platform.kit.permissions import Grant
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.paging import chosen_words, read_page
from highway_platform.kit.rest.router import requires

from ..insight import presenters, selectors
from ..insight.schemas import LiveQuery, TaskQuery
from .router import router

TAGS = ["tasks"]


@router.get("/tasks", url_name="task-list", tags=TAGS)
@requires("workflows.run:read")
def list_tasks(request: Request, query: Query[TaskQuery]) -> dict[str, Any]:
    """Tasks, newest first, by state and queue; a page by number or by the cursor of the page before."""
    chosen = TaskFilter(
        states=chosen_words(query.state, TASK_STATES, "query.state"), queues=(query.queue,) if query.queue else ()
    )
    rows, pagination = read_page(query, _reader(request.grant, chosen), lambda row: row.task_id)
    return success({"tasks": [presenters.task(row) for row in rows], "count": len(rows), "pagination": pagination})


def _reader(grant: Grant, chosen: TaskFilter) -> Callable[[uuid.UUID | None, int], list[TaskRow]]:
    return lambda before, quantity: selectors.task_list(grant, chosen, before=before, quantity=quantity)


@router.get("/tasks/summary", url_name="task-summary", tags=TAGS)
@requires("workflows.run:read")
def summarize_tasks(request: Request) -> dict[str, Any]:
    """How many tasks of each state and queue there are, each counted up to ten thousand."""
    counts = selectors.task_counts(request.grant)
    by_state = presenters.by_state(counts)
    return success({"by_state": by_state, "by_queue": presenters.by_queue(counts), "total": sum(by_state.values())})


@router.get("/tasks/{uuid:task_id}", url_name="task-detail", tags=TAGS)
@requires("workflows.run:read")
def show_task(request: Request, task_id: uuid.UUID) -> dict[str, Any]:
    """One task with what it has checkpointed and which attempts failed in it."""
    return success(presenters.task_detail(selectors.task_detail(request.grant, task_id)))


@router.get("/monitoring/live", url_name="monitoring-live", tags=["monitoring"])
@requires("workflows.run:read")
def show_live(request: Request, query: Query[LiveQuery]) -> dict[str, Any]:
    """Steps that are being executed now, with their tool and worker. LOST: the worker is gone, another one takes over in a moment."""
    tasks = [
        entry
        for row in selectors.active_tasks(request.grant, minutes=query.minutes)
        for entry in presenters.active(row)
    ]
    return success({"tasks": tasks, "count": len(tasks)})
