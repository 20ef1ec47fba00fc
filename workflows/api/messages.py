"""What goes into a run from outside and what can be asked of it: events, signals, variables, its story."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors, services
from ..schemas import EventBody, SignalBody, StoryQuery, VariableQuery
from .router import router

TAGS = ["messages"]


@router.get("/workflows/{uuid:workflow_run_id}/events", url_name="event-list", tags=TAGS)
@requires("workflows.run:read")
def list_events(request: Request, workflow_run_id: uuid.UUID, query: Query[StoryQuery]) -> dict[str, Any]:
    """The story of a run in order, and beside it the events that were emitted in it."""
    story = selectors.story_list(request.grant, workflow_run_id, after=query.after, quantity=query.limit)
    emitted = selectors.event_list(request.grant, workflow_run_id)
    return success(
        {
            "workflow_run_id": str(workflow_run_id),
            "events": [presenters.story_entry(entry) for entry in story.entries],
            "emitted": [presenters.event(one) for one in emitted],
            "count": len(story.entries),
            **story.places(),
        }
    )


@router.post("/workflows/{uuid:workflow_run_id}/events", url_name="event-emit", tags=TAGS)
@requires("workflows.run:signal")
def emit_event(request: Request, workflow_run_id: uuid.UUID, body: EventBody) -> HttpResponse:
    """Emit an event of this run. The first of a name wins; ``first`` says whether this one did."""

    def work(connection: Any) -> Outcome:
        first = services.event_emit(request.grant, connection, workflow_run_id, body.event_name, body.payload)
        data = {"workflow_run_id": str(workflow_run_id), "event_name": body.event_name, "first": first}
        return Outcome(data, run_id=workflow_run_id)

    return answer_once(request, work, apart=True)


@router.get("/workflows/{uuid:workflow_run_id}/signals", url_name="signal-list", tags=TAGS)
@requires("workflows.run:read")
def list_signals(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """The run's inbox, oldest first."""
    signals = [presenters.signal(one) for one in selectors.signal_list(request.grant, workflow_run_id)]
    return success({"workflow_run_id": str(workflow_run_id), "signals": signals, "count": len(signals)})


@router.post("/workflows/{uuid:workflow_run_id}/signals", url_name="signal-send", tags=TAGS)
@requires("workflows.run:signal")
def send_signal(request: Request, workflow_run_id: uuid.UUID, body: SignalBody) -> HttpResponse:
    """Put a signal into the run's inbox; every signal is kept."""

    def work(connection: Any) -> Outcome:
        number = services.signal_send(request.grant, connection, workflow_run_id, body.signal_name, body.payload)
        data = {"workflow_run_id": str(workflow_run_id), "signal_name": body.signal_name, "signal_id": number}
        return Outcome(data, run_id=workflow_run_id)

    return answer_once(request, work, apart=True)


@router.get("/workflows/{uuid:workflow_run_id}/query", url_name="variable-query", tags=TAGS)
@requires("workflows.run:read")
def query_variables(request: Request, workflow_run_id: uuid.UUID, query: Query[VariableQuery]) -> dict[str, Any]:
    """The run's variables, or the one that is named; ``include_version`` tells how often each was set, for optimistic locking."""
    rows = selectors.variable_list(request.grant, workflow_run_id)
    shown = {"workflow_run_id": str(workflow_run_id)}
    if query.variable is None or query.all:
        versions = {"versions": {row.name: row.version for row in rows}} if query.include_version else {}
        return success({**shown, "variables": {row.name: row.value for row in rows}, **versions})
    found = next((row for row in rows if row.name == query.variable), None)
    if found is None:
        raise not_found()
    version = {"version": found.version} if query.include_version else {}
    return success({**shown, "variable": found.name, "value": found.value, **version})
