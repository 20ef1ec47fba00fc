"""Schedules: listed, made, changed, deleted, and what became of their ticks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja import Query

from engine import facade
from engine.model.schedules import ScheduleSpec
from highway_platform.kit.permissions import Grant
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.errors import ApiError, Detail
from highway_platform.kit.rest.router import requires

from .. import schedule_presenters as presenters
from .. import schedule_selectors as selectors
from .. import schedule_services as services
from ..schedule_schemas import (
    API_NAMES,
    SPEC_NAMES,
    HistoryQuery,
    ScheduleBody,
    ScheduleChangeBody,
    SchedulePolicies,
    ScheduleQuery,
)
from ..services import definition_register
from ..sources import CheckedSource
from .router import router
from .stored import stored_definition
from .written import checked_written

TAGS = ["schedules"]
NOT_OF_THE_SPEC = {"is_active", "reason"}
OF_THE_SPEC = {"schedule_cron", *SchedulePolicies.model_fields} - NOT_OF_THE_SPEC


@router.get("/schedules", url_name="schedule-list", tags=TAGS)
@requires("workflows.schedule:read")
def list_schedules(request: Request, query: Query[ScheduleQuery]) -> dict[str, Any]:
    """Schedules by name, each with how its last ticks went."""
    found = selectors.schedule_list(request.grant, after_name=query.after, quantity=query.limit + 1)
    shown = [presenters.schedule(one) for one in found[: query.limit]]
    more = len(found) > query.limit
    return success({"schedules": shown, "count": len(shown), "next_after": shown[-1]["name"] if more else None})


@router.post("/schedules", url_name="schedule-create", tags=TAGS)
@requires("workflows.schedule:write")
def create_schedule(request: Request, body: ScheduleBody) -> HttpResponse:
    """Make a schedule; it is active from now on unless it is to be paused. 409 when its name is taken."""
    source = checked_written(request.grant, body)

    def work(connection: Any) -> Outcome:
        with refusals():
            spec = _spec(request.grant, connection, body, source)
            made = services.schedule_create(request.grant, connection, spec, is_active=body.is_active)
        return Outcome(presenters.schedule(made), HTTPStatus.CREATED)

    return answer_once(request, work)


@router.get("/schedules/{uuid:schedule_id}", url_name="schedule-detail", tags=TAGS)
@requires("workflows.schedule:read")
def show_schedule(request: Request, schedule_id: uuid.UUID) -> dict[str, Any]:
    """One schedule: its policies, when it comes next, how its last ticks went."""
    return success(presenters.schedule(selectors.schedule_get(request.grant, schedule_id)))


@router.patch("/schedules/{uuid:schedule_id}", url_name="schedule-change", tags=TAGS)
@requires("workflows.schedule:write")
def change_schedule(request: Request, schedule_id: uuid.UUID, body: ScheduleChangeBody | None = None) -> HttpResponse:
    """Change what is given; ``is_active`` pauses and resumes. A change of when it comes counts from now."""
    given = body.model_dump(exclude_unset=True, exclude=NOT_OF_THE_SPEC) if body else {}
    changes = {SPEC_NAMES.get(name, name): value for name, value in given.items()}

    def work(connection: Any) -> Outcome:
        with refusals():
            changed = services.schedule_update(request.grant, connection, schedule_id, changes)
        if body and "is_active" in body.model_fields_set:
            changed = services.schedule_activate(
                request.grant, connection, schedule_id, is_active=body.is_active, reason=body.reason
            )
        return Outcome(presenters.schedule(changed))

    return answer_once(request, work)


@router.delete("/schedules/{uuid:schedule_id}", url_name="schedule-delete", tags=TAGS)
@requires("workflows.schedule:write")
def delete_schedule(request: Request, schedule_id: uuid.UUID) -> HttpResponse:
    """Delete a schedule. The runs that it started stay, and go on."""

    def work(connection: Any) -> Outcome:
        services.schedule_delete(request.grant, connection, schedule_id)
        return Outcome({"schedule_id": str(schedule_id), "deleted": True})

    return answer_once(request, work)


@router.get("/schedules/{uuid:schedule_id}/history", url_name="schedule-history", tags=TAGS)
@requires("workflows.schedule:read")
def show_history(request: Request, schedule_id: uuid.UUID, query: Query[HistoryQuery]) -> dict[str, Any]:
    """What became of its ticks, newest first: runs, and those that were skipped, missed, or failed, with the reason."""
    found = selectors.schedule_history(
        request.grant, schedule_id, before=query.before, skip=query.offset, quantity=query.limit
    )
    executions = [presenters.tick(one) for one in found.ticks]
    return success(
        {
            "schedule_id": str(schedule_id),
            "name": found.schedule.spec.name,
            "workflow_name": found.schedule.spec.workflow_name,
            "executions": executions,
            "total": found.total,
            "limit": query.limit,
            "offset": query.offset,
            "next_before": executions[-1]["scheduled_at"] if len(executions) == query.limit else None,
        }
    )


@contextmanager
def refusals() -> Iterator[None]:
    """What the engine refuses about a schedule, with the names that the API has for its fields."""
    try:
        yield
    except facade.ScheduleRefusedError as error:
        details = [Detail(_api_path(one.path), one.code, one.message) for one in error.problems]
        message = f"{details[0].path}: {details[0].message}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_schedule", message, details=details) from error


def _api_path(path: str) -> str:
    _, name, *rest = path.split(".", 2)
    return ".".join(["$", API_NAMES.get(name, name), *rest])


def _spec(grant: Grant, connection: Any, body: ScheduleBody, source: CheckedSource | None) -> ScheduleSpec:
    """What the body says, with the workflow that it names in one of six forms."""
    own = body.model_dump(include=OF_THE_SPEC)
    fields = {SPEC_NAMES.get(name, name): value for name, value in own.items()}
    name, pinned = _workflow(grant, connection, body, source)
    return ScheduleSpec(name=body.name or name, workflow_name=name, definition_id=pinned, **fields)


def _workflow(
    grant: Grant, connection: Any, body: ScheduleBody, source: CheckedSource | None
) -> tuple[str, uuid.UUID | None]:
    if source is not None:
        return definition_register(grant, connection, source).name, None
    if body.workflow_name is not None and body.version_pin is None:
        return body.workflow_name, None
    found = stored_definition(
        grant,
        connection,
        definition_id=body.definition_id,
        definition_hash=body.definition_hash,
        name=body.workflow_name,
        version=body.version_pin,
    )
    return found.name, found.definition_id
