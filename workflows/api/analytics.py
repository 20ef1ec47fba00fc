"""Analytics: what happened lately, how workflows perform, how full queues are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from ninja import Query

from engine.model.insight import TASK_STATES, TaskFilter
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.paging import chosen_words, refuse_far
from highway_platform.kit.rest.router import requires

from ..insight import presenters, selectors
from ..insight.queues import queue_list
from ..insight.schemas import DistributionQuery, PerformanceQuery, TaskListQuery, TimelineQuery
from .router import router

TAGS = ["analytics"]


@router.get("/analytics/events", url_name="analytics-events", tags=TAGS)
@requires("workflows.run:read")
def show_events(request: Request, query: Query[TimelineQuery]) -> dict[str, Any]:
    """What happened lately, newest first: in one run, or in the newest runs of each status."""
    kinds = [word.strip() for word in (query.event_type or "").split(",") if word.strip()]
    since = timezone.now() - timedelta(hours=query.hours)
    entries = selectors.timeline(
        request.grant, since=since, run_id=query.workflow_run_id, kinds=kinds, quantity=query.limit
    )
    events = [presenters.timeline_entry(entry) for entry in entries]
    return success({"events": events, "count": len(events), "since": since.isoformat()})


@router.get("/analytics/performance", url_name="analytics-performance", tags=TAGS)
@requires("workflows.run:read")
def show_performance(request: Request, query: Query[PerformanceQuery]) -> dict[str, Any]:
    """Durations and success of each workflow, from the newest ten thousand runs of the last days."""
    since = timezone.now() - timedelta(days=query.days)
    figures = selectors.workflow_statistics(request.grant, since=since, name=query.workflow_name)
    workflows = [presenters.performance(one) for one in figures]
    return success({"workflows": workflows, "count": len(workflows), "since": since.isoformat()})


@router.get("/analytics/queues", url_name="analytics-queues", tags=TAGS)
@requires("workflows.run:read")
def list_queues(request: Request) -> dict[str, Any]:
    """Every queue that the tenant has tasks in: how many of each state, how long the oldest waits, and who serves it."""
    queues = queue_list(selectors.queues(request.grant))
    return success({"queues": queues, "count": len(queues)})


@router.get("/analytics/queues/{queue_name}", url_name="analytics-queue", tags=TAGS)
@requires("workflows.run:read")
def show_queue(request: Request, queue_name: str) -> dict[str, Any]:
    """One queue; 404 when the tenant has had no task in it lately."""
    found = queue_list(selectors.queues(request.grant, (queue_name,)))
    if not found:
        raise not_found()
    return success(found[0])


@router.get("/analytics/tasks/distribution", url_name="analytics-distribution", tags=TAGS)
@requires("workflows.run:read")
def show_distribution(request: Request, query: Query[DistributionQuery]) -> dict[str, Any]:
    """Tasks of the last days by state and queue, each counted up to ten thousand."""
    counts = selectors.task_counts(request.grant, created_from=timezone.now() - timedelta(days=query.days))
    by_state, by_queue = presenters.by_state(counts), presenters.by_queue(counts)
    return success({"days": query.days, "by_state": by_state, "by_queue": by_queue, "total": sum(by_state.values())})


@router.get("/analytics/tasks/list", url_name="analytics-tasks", tags=TAGS)
@requires("workflows.run:read")
def list_tasks(request: Request, query: Query[TaskListQuery]) -> dict[str, Any]:
    """Tasks, newest first; far parts by the cursor of the part before."""
    refuse_far(query.offset + query.limit, "query.offset")
    chosen = TaskFilter(
        states=chosen_words(query.status, TASK_STATES, "query.status"),
        queues=(query.queue_name,) if query.queue_name else (),
    )
    quantity = query.offset + query.limit + 1
    rows = selectors.task_list(request.grant, chosen, before=query.cursor, quantity=quantity)[query.offset :]
    shown = [presenters.task(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return success(
        {
            "tasks": shown,
            "count": len(shown),
            "limit": query.limit,
            "offset": query.offset,
            "has_more": more,
            "next_cursor": shown[-1]["task_id"] if more else None,
        }
    )
