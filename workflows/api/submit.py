"""Starting, cancelling and retrying runs."""

from __future__ import annotations

import uuid
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from engine.model.views import DefinitionRef
from highway_platform.kit.permissions import Grant
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once
from highway_platform.kit.rest.router import requires

from .. import presenters, services
from ..schemas import BatchBody, CancelBody, SourceBody, SubmitBody
from .router import router
from .stored import stored_definition
from .written import checked_written

TAGS = ["workflows"]


@router.post("/workflows", url_name="workflow-submit", tags=TAGS)
@requires("workflows.run:submit")
def submit(request: Request, body: SubmitBody) -> HttpResponse:
    """Store a definition if it is new, and start a run of it. Answers 201 once the run can no longer be lost."""
    source = checked_written(request.grant, body, body.inputs.keys() if body.execute else None)
    options = replace(_options(body), inputs=body.inputs, flow=body.flow.options() if body.flow else None)

    def start(connection: Any, stored: DefinitionRef) -> Outcome:
        if not body.execute:
            return Outcome({**_labels(stored), "status": "registered"}, HTTPStatus.CREATED)
        started = services.run_start(request.grant, connection, stored.definition_id, options)
        return Outcome(presenters.submitted(started), HTTPStatus.CREATED, started.workflow_run_id)

    def work(connection: Any) -> Outcome:
        if source is None:
            return start(connection, _named(request.grant, connection, body))
        known = services.definition_known(request.grant, connection, source)
        if known is not None:
            return start(connection, known)
        # What is new is stored with its run, or not at all.
        with services.in_one_transaction(request.grant, connection):
            return start(connection, services.definition_register(request.grant, connection, source))

    return answer_once(request, work, apart=True)


@router.post("/workflows/batch", url_name="workflow-submit-batch", tags=TAGS)
@requires("workflows.run:submit")
def submit_batch(request: Request, body: BatchBody) -> HttpResponse:
    """Store a definition if it is new, and start a run of it for each of up to 10,000 inputs: all or none. The ids stand in the order of the inputs."""
    source = checked_written(request.grant, body, set.intersection(*(set(each) for each in body.inputs)))

    def work(connection: Any) -> Outcome:
        grant = request.grant
        stored = services.definition_register(grant, connection, source) if source else _named(grant, connection, body)
        started = services.runs_start(grant, connection, stored.definition_id, body.inputs, _options(body))
        data = {**_labels(stored), "count": len(started), "workflow_run_ids": [str(each) for each in started]}
        return Outcome(data, HTTPStatus.CREATED)

    return answer_once(request, work)


@router.post("/workflows/{uuid:workflow_run_id}/cancel", url_name="workflow-cancel", tags=TAGS)
@requires("workflows.run:cancel")
def cancel(request: Request, workflow_run_id: uuid.UUID, body: CancelBody | None = None) -> HttpResponse:
    """Ask a run to stop. It ends at once unless a worker is in the middle of a step; 409 when it has ended already."""
    reason = body.reason if body else ""

    def work(connection: Any) -> Outcome:
        status = services.run_cancel(request.grant, connection, workflow_run_id, reason)
        return Outcome({"workflow_run_id": str(workflow_run_id), "status": status, "cancel_requested": True})

    return answer_once(request, work, apart=True)


@router.post("/workflows/{uuid:workflow_run_id}/retry", url_name="workflow-retry", tags=TAGS)
@requires("workflows.run:submit")
def retry(request: Request, workflow_run_id: uuid.UUID) -> HttpResponse:
    """Start an ended run again, as a new run with the same definition and inputs; 409 while it is open."""

    def work(connection: Any) -> Outcome:
        started = services.run_retry(request.grant, connection, workflow_run_id)
        data = {
            **presenters.submitted(started),
            "original_workflow_run_id": str(workflow_run_id),
            "new_workflow_run_id": str(started.workflow_run_id),
        }
        return Outcome(data, run_id=started.workflow_run_id)

    return answer_once(request, work)


def _named(grant: Grant, connection: Any, body: SourceBody) -> DefinitionRef:
    """The stored definition that the body names."""
    return stored_definition(
        grant,
        connection,
        definition_id=body.definition_id,
        definition_hash=body.definition_hash,
        name=body.workflow_name,
        version=body.version,
    )


def _labels(stored: DefinitionRef) -> dict[str, Any]:
    return {
        "definition_id": str(stored.definition_id),
        "definition_hash": stored.definition_hash,
        "workflow_name": stored.name,
        "version": stored.version,
    }


def _options(body: SourceBody) -> services.StartOptions:
    return services.StartOptions(
        queue=body.queue,
        priority=body.priority,
        delay_seconds=body.delay_seconds,
        tags=body.tags,
        attributes=body.attributes,
    )
