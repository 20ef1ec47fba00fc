"""Queues and limits: what waits where, who holds what, pause, drain and figures."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import flow
from ..flow_schemas import LimitBody, LimitQuery, QueueBody
from .router import router

TAGS = ["flow control"]


@router.get("/queues", url_name="queue-list", tags=TAGS)
@requires("workflows.queue:read")
def list_queues(request: Request) -> dict[str, Any]:
    """Queues with this tenant's tasks in them, and those that a worker serves."""
    queues = [flow.shown_queue(view) for view in flow.queue_list(request.grant)]
    return success({"queues": queues, "count": len(queues)})


@router.get("/queues/{queue_name}", url_name="queue-detail", tags=TAGS)
@requires("workflows.queue:read")
def show_queue(request: Request, queue_name: str) -> dict[str, Any]:
    """One queue, as this tenant sees it."""
    return success(flow.shown_queue(flow.queue_get(request.grant, queue_name)))


@router.patch("/queues/{queue_name}", url_name="queue-change", tags=TAGS)
@requires("workflows.queue:manage")
def change_queue(request: Request, queue_name: str, body: QueueBody | None = None) -> HttpResponse:
    """Pause, resume, drain or cap a queue for this tenant's tasks. Running tasks go on, pending ones stay pending."""

    def work(connection: Any) -> Outcome:
        return Outcome(
            flow.shown_queue(
                flow.queue_change(request.grant, connection, queue_name, body or QueueBody.model_validate({}))
            )
        )

    return answer_once(request, work)


@router.get("/limits", url_name="limit-list", tags=TAGS)
@requires("workflows.limit:read")
def list_limits(request: Request, query: Query[LimitQuery]) -> dict[str, Any]:
    """Limits that runs or steps have used, each with who holds its slots and who is first in line."""
    views = flow.limit_list(request.grant, query)
    page, more = views[: query.page_size], len(views) > query.page_size
    return success({"limits": [flow.shown_limit(view) for view in page], "count": len(page), "has_more": more})


@router.get("/limits/{kind}/{path:limit_key}", url_name="limit-detail", tags=TAGS)
@requires("workflows.limit:read")
def show_limit(request: Request, kind: str, limit_key: str) -> dict[str, Any]:
    """One limit."""
    return success(flow.shown_limit(flow.limit_get(request.grant, kind, limit_key)))


@router.patch("/limits/{kind}/{path:limit_key}", url_name="limit-change", tags=TAGS)
@requires("workflows.limit:manage")
def change_limit(request: Request, kind: str, limit_key: str, body: LimitBody | None = None) -> HttpResponse:
    """Set a limit's figures by hand; they stay until they are unpinned. Slots that are held are never taken away."""

    def work(connection: Any) -> Outcome:
        changed = flow.limit_change(
            request.grant, connection, kind, limit_key, body or LimitBody.model_validate({"pinned": False})
        )
        return Outcome(flow.shown_limit(changed))

    return answer_once(request, work)
