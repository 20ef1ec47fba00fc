"""What is kept of runs and how it is found: retention, payloads, search attributes."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse

from engine.model.upkeep import Retention
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import upkeep
from ..upkeep_shapes import AttributesBody, RetentionBody, retention
from .router import router

TAGS = ["workflows"]


@router.get("/retention", url_name="retention-detail", tags=["retention"])
@requires("workflows.retention:read")
def show_retention(request: Request) -> dict[str, Any]:
    """How many days ended runs of this tenant are kept; null is for ever."""
    return success(retention(upkeep.retention_get(request.grant)))


@router.put("/retention", url_name="retention-change", tags=["retention"])
@requires("workflows.retention:manage")
def change_retention(request: Request, body: RetentionBody) -> HttpResponse:
    """Set how long ended runs are kept. It counts for runs that have ended already, too: what is older is deleted within minutes."""

    def work(connection: Any) -> Outcome:
        policy = Retention(body.keep_completed_days, body.keep_failed_days)
        upkeep.retention_set(request.grant, connection, policy)
        return Outcome(retention(policy))

    return answer_once(request, work)


@router.get("/workflows/{uuid:workflow_run_id}/payloads/{sha256}", url_name="payload-detail", tags=TAGS)
@requires("workflows.run:read")
def show_payload(request: Request, workflow_run_id: uuid.UUID, sha256: str) -> HttpResponse:
    """The JSON of a large value that the run shows as ``{"$blob": {"sha256", "bytes"}}``."""
    content = upkeep.payload_get(request.grant, workflow_run_id, sha256)
    return HttpResponse(content, content_type="application/json")


@router.patch("/workflows/{uuid:workflow_run_id}/attributes", url_name="attributes-change", tags=TAGS)
@requires("workflows.run:submit")
def change_attributes(request: Request, workflow_run_id: uuid.UUID, body: AttributesBody) -> HttpResponse:
    """Merge search attributes into those of a run; null takes one away. Answers with all of them then."""

    def work(connection: Any) -> Outcome:
        after = upkeep.attributes_set(request.grant, connection, workflow_run_id, body.attributes)
        return Outcome({"workflow_run_id": str(workflow_run_id), "attributes": after})

    return answer_once(request, work)
