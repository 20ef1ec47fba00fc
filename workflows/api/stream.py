"""A run as it happens."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import cast

from django.apps import apps
from django.http import StreamingHttpResponse
from ninja import Query, Schema
from pydantic import Field

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.errors import ApiError
from highway_platform.kit.rest.router import requires

from .. import selectors
from ..apps import WorkflowsConfig
from ..stream.events import follow_run
from ..stream.watch import MOST_VIEWERS
from .router import router

LONGEST_SECONDS = 900.0


class StreamQuery(Schema):
    """From where to tell a run's story, and for how long."""

    after: int = Field(
        0, ge=0, description="the id of the last event that is known; a Last-Event-ID header goes before it"
    )
    for_seconds: float = Field(LONGEST_SECONDS, ge=0, le=LONGEST_SECONDS, description="0: what there is now")


@router.get("/workflows/{uuid:workflow_run_id}/stream", url_name="run-stream", tags=["workflows"])
@requires("workflows.run:read")
def stream_run(request: Request, workflow_run_id: uuid.UUID, query: Query[StreamQuery]) -> StreamingHttpResponse:
    """Server-sent events of one run: `status`, `step`, `event`, `log`, and `done` when it has ended. Come back with the last id after a break."""
    selectors.run_tag(request.grant, workflow_run_id)  # unknown: 404, before anything is sent
    watch = cast(WorkflowsConfig, apps.get_app_config("workflows")).watch
    if watch.viewers >= MOST_VIEWERS:
        message = "Too many are watching runs here. Try again in a moment."
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_viewers", message)
    known = request.headers.get("Last-Event-ID", "")
    after = int(known) if known.isdecimal() and len(known) < 19 else query.after
    told = follow_run(watch, request.grant.tenant_id, workflow_run_id, after=after, seconds=query.for_seconds)
    response = StreamingHttpResponse(told, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    response["Content-Encoding"] = "identity"  # compression would hold events back
    return response
