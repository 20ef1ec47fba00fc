"""Figures: about runs, one run, workflows, queues, and what monitoring wants to know."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.utils import timezone
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import ApiError, Detail
from highway_platform.kit.rest.router import requires

from ..insight import presenters, selectors
from ..insight.queues import metrics_categories
from ..insight.schemas import WindowQuery, window_of
from .router import router

TAGS = ["statistics"]
INTERVAL = re.compile(r"^\s*(\d{1,6})\s*(second|minute|hour|day)s?\s*$")
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST_SECONDS = 31 * 86400


@router.get("/workflows/stats", url_name="workflow-stats", tags=TAGS)
@requires("workflows.run:read")
def show_statistics(request: Request, query: Query[WindowQuery]) -> dict[str, Any]:
    """Figures about the newest ten thousand runs that were started in a window of time; `capped` says that there are more."""
    figures = selectors.run_statistics(request.grant, window_of(query), query.workflow_name)
    return success(presenters.statistics(figures))


@router.get("/workflows/{uuid:workflow_run_id}/metrics", url_name="workflow-metrics", tags=TAGS)
@requires("workflows.run:read")
def show_run_metrics(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """How long a run took and how much it did, each counted up to ten thousand."""
    run, size = selectors.run_size(request.grant, workflow_run_id)
    return success(presenters.run_metrics(run, size))


@router.get("/health/metrics", url_name="health-metrics", tags=["system"])
@requires("workflows.run:read")
def show_health_metrics(request: Request, interval: str = "15 minutes") -> dict[str, Any]:
    """How the tenant's work is going, by category, each with how bad it is; `interval` is such as "5 minutes" or "1 hour"."""
    seconds = _seconds(interval)
    metrics = selectors.metrics(request.grant, seconds=seconds)
    categories = metrics_categories(metrics)
    levels = {category["severity"] for category in categories.values()}
    worst = next((level for level in ("critical", "warning") if level in levels), "ok")
    since = timezone.now() - timedelta(seconds=seconds)
    return success({"interval": interval, "since": since.isoformat(), "severity": worst, "metrics": categories})


def _seconds(interval: str) -> float:
    found = INTERVAL.match(interval)
    seconds = int(found[1]) * UNIT_SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_SECONDS:
        detail = Detail("query.interval", "interval", 'an interval is such as "15 minutes", at most "31 days"')
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail.message, details=[detail])
    return float(seconds)
