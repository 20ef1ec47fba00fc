"""Reading runs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, get_args

from django.utils import timezone
from ninja import Query

from engine.model.views import RunFilter, RunStatus
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.paging import chosen_words, read_page
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors
from ..schemas import RunQuery
from .router import router

TAGS = ["workflows"]

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
    rows, pagination = read_page(
        query,
        lambda before, quantity: selectors.run_list(request.grant, chosen, before=before, quantity=quantity),
        lambda row: row.workflow_run_id,
    )
    return [presenters.run_row(row) for row in rows], pagination


@router.get("/workflows/{uuid:workflow_run_id}", url_name="workflow-detail", tags=TAGS)
@requires("workflows.run:read")
def show_run(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """One run: status, current step, progress, results, the error, and why it waits."""
    return success(presenters.run_detail(selectors.run_state(request.grant, workflow_run_id, log_lines=LOG_LINES)))


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
        statuses=chosen_words(query.status or query.state, get_args(RunStatus), "query.status"),
        names=(query.workflow_name,) if query.workflow_name else (),
        tags=(query.tag,) if query.tag else (),
        attributes=tuple((name, value) for name, _, value in (one.partition("=") for one in query.attribute)),
        text=query.q or "",
        created_from=since,
        created_to=query.created_to,
    )
