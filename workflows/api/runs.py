"""Reading runs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any, get_args

from django.utils import timezone
from ninja import Query

from engine.model.views import RunFilter, RunStatus
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import ApiError, Detail
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors
from ..schemas import RunQuery
from .router import router

TAGS = ["workflows"]

# A page by number is found by walking from the newest run: far pages are for the cursor.
MAX_WALK = 1_000
LOG_LINES = 200


@router.get("/workflows", url_name="workflow-list", tags=TAGS)
@requires("workflows.run:read")
def list_runs(request: Request, query: Query[RunQuery]) -> dict[str, Any]:
    """Runs, newest first, by filters; a page by number or by the cursor of the page before."""
    runs, pagination = _page(request, query)
    return success({"workflows": runs, "count": len(runs), "pagination": pagination})


@router.get("/runs", url_name="run-list", tags=TAGS)
@requires("workflows.run:read")
def list_runs_by_other_name(request: Request, query: Query[RunQuery]) -> dict[str, Any]:
    """The same list under the name that some clients use."""
    runs, pagination = _page(request, query)
    return success({"runs": runs, "count": len(runs), "pagination": pagination})


def _page(request: Request, query: RunQuery) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    chosen = _filter(query)
    if query.cursor is not None:
        rows = selectors.run_list(request.grant, chosen, before=query.cursor, quantity=query.page_size + 1)
        rows, more = rows[: query.page_size], len(rows) > query.page_size
    else:
        _refuse_far_page(query)
        rows, more = selectors.run_page(request.grant, chosen, page=query.page, page_size=query.page_size)
    runs = [presenters.run_row(row) for row in rows]
    pagination = {
        "page": query.page,
        "page_size": query.page_size,
        "has_more": more,
        "next_cursor": str(rows[-1].workflow_run_id) if more else None,
    }
    return runs, pagination


@router.get("/workflows/{uuid:workflow_run_id}", url_name="workflow-detail", tags=TAGS)
@requires("workflows.run:read")
def show_run(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """One run: status, current step, progress, results, the error, and why it waits."""
    state = selectors.run_state(request.grant, workflow_run_id)
    logs = selectors.log_list(request.grant, workflow_run_id, quantity=LOG_LINES)
    return success(presenters.run_detail(state, logs))


@router.get("/runs/{uuid:workflow_run_id}", url_name="run-detail", tags=TAGS)
@requires("workflows.run:read")
def show_run_by_other_name(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """The same run under the name that some clients use."""
    return show_run(request, workflow_run_id)


def _filter(query: RunQuery) -> RunFilter:
    since = query.created_from
    if since is None and query.days is not None:
        since = timezone.now() - timedelta(days=query.days)
    return RunFilter(
        statuses=_statuses(query.status),
        names=(query.workflow_name,) if query.workflow_name else (),
        tags=(query.tag,) if query.tag else (),
        attributes=tuple((name, value) for name, _, value in (one.partition("=") for one in query.attribute)),
        text=query.q or "",
        created_from=since,
        created_to=query.created_to,
    )


def _statuses(text: str | None) -> tuple[str, ...]:
    given = tuple(word.strip() for word in (text or "").split(",") if word.strip())
    known = get_args(RunStatus)
    unknown = [status for status in given if status not in known]
    if unknown:
        detail = Detail("query.status", "unknown_status", f"{unknown[0]!r} is none of {', '.join(known)}")
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail.message, details=[detail])
    return given


def _refuse_far_page(query: RunQuery) -> None:
    if query.page * query.page_size > MAX_WALK:
        detail = Detail(
            "query.page", "too_far", f"pages reach to the newest {MAX_WALK} runs; go on with cursor=<next_cursor>"
        )
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail.message, details=[detail])
