"""Requests to a run that get a reply, and what a run has undone."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any, cast

from django.apps import apps
from django.http import HttpResponse

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.errors import ApiError
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors, services
from ..apps import WorkflowsConfig
from ..schemas import UpdateBody
from .router import router

TAGS = ["updates"]
HISTORY = 200


@router.get("/workflows/{uuid:workflow_run_id}/updates", url_name="update-list", tags=TAGS)
@requires("workflows.run:read")
def list_updates(request: Request, workflow_run_id: uuid.UUID, update_name: str | None = None) -> dict[str, Any]:
    """Requests that are not answered yet, the newest first."""
    updates = selectors.update_list(request.grant, workflow_run_id, quantity=HISTORY)
    shown = [presenters.update(one) for one in updates if not one.is_answered and update_name in (None, one.name)]
    return success({"workflow_run_id": str(workflow_run_id), "updates": shown, "count": len(shown)})


@router.get("/workflows/{uuid:workflow_run_id}/updates/history", url_name="update-history", tags=TAGS)
@requires("workflows.run:read")
def list_update_history(
    request: Request, workflow_run_id: uuid.UUID, limit: int = 50, status: str | None = None
) -> dict[str, Any]:
    """All requests, the newest first; ``status`` is pending, taken, completed or failed."""
    updates = selectors.update_list(request.grant, workflow_run_id, quantity=max(1, min(limit, HISTORY)))
    wanted = status.lower() if status else None
    shown = [presenters.update(one) for one in updates if wanted in (None, one.state)]
    return success({"workflow_run_id": str(workflow_run_id), "updates": shown, "count": len(shown)})


@router.post("/workflows/{uuid:workflow_run_id}/updates", url_name="update-request", tags=TAGS)
@requires("workflows.run:signal")
def request_update(request: Request, workflow_run_id: uuid.UUID, body: UpdateBody) -> HttpResponse | dict[str, Any]:
    """Send a request and wait for its reply: 408 when none comes within ``timeout_seconds``; the request stays open then."""

    def work(connection: Any) -> Outcome:
        update_id = services.update_request(request.grant, connection, workflow_run_id, body.update_name, body.payload)
        return Outcome({"update_id": str(update_id)}, run_id=workflow_run_id)

    patience = cast(WorkflowsConfig, apps.get_app_config("workflows")).patience
    with patience.place():
        update_id = uuid.UUID(_sent_id(answer_once(request, work, apart=True)))
        update = patience.await_reply(request.grant, update_id, body.timeout_seconds)
    if not update.is_answered:
        message = (
            f"No step of the run answered within {body.timeout_seconds:g} s; the update {update_id} is still open."
        )
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "update_timeout", message)
    if update.state == "failed":
        reason = (update.error or {}).get("message") or "the run refused it"
        raise ApiError(HTTPStatus.CONFLICT, "update_failed", f"The update failed: {reason}.")
    return success(presenters.update(update))


@router.get("/workflows/{uuid:workflow_run_id}/sagas", url_name="saga-list", tags=["workflows"])
@requires("workflows.run:read")
def list_sagas(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """What the run has registered to be undone, the last thing done first, and what became of it."""
    run, undo = selectors.undo_list(request.grant, workflow_run_id)
    return success(presenters.sagas(run, undo))


def _sent_id(sent: HttpResponse) -> str:
    return str(json.loads(sent.content)["data"]["update_id"])
