"""What can be done to a schedule: pause, resume, run now, backfill; and what it will do."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import schedule_presenters as presenters
from .. import schedule_selectors as selectors
from .. import schedule_services as services
from ..presenters import time
from ..schedule_schemas import BackfillBody, PauseBody, PreviewQuery
from .router import router

TAGS = ["schedules"]


@router.post("/schedules/scan", url_name="schedule-scan", tags=TAGS)
@requires("workflows.schedule:operate")
def scan_schedules(request: Request) -> dict[str, Any]:
    """How the tenant's schedules stand. Nothing has to be scanned by hand: every worker looks for due ticks all the time."""
    found = selectors.schedule_summary(request.grant)
    return success(
        {
            "message": "Nothing to do by hand: workers decide due ticks within a second.",
            "active": found.active,
            "paused": found.paused,
            "due": found.due,
            "next_run_at": time(found.next_at),
        }
    )


@router.get("/schedules/{uuid:schedule_id}/preview", url_name="schedule-preview", tags=TAGS)
@requires("workflows.schedule:read")
def preview_schedule(request: Request, schedule_id: uuid.UUID, query: Query[PreviewQuery]) -> dict[str, Any]:
    """The next times at which it comes, in UTC and in its own zone."""
    found, times = selectors.schedule_preview(request.grant, schedule_id, query.count)
    return success(
        {
            "schedule_id": str(schedule_id),
            "timezone": found.spec.zone,
            "times": [time(one) for one in times],
            "local_times": [time(one.astimezone(ZoneInfo(found.spec.zone))) for one in times],
        }
    )


@router.post("/schedules/{uuid:schedule_id}/pause", url_name="schedule-pause", tags=TAGS)
@requires("workflows.schedule:operate")
def pause_schedule(request: Request, schedule_id: uuid.UUID, body: PauseBody | None = None) -> HttpResponse:
    """Let a schedule rest until it is resumed; its open runs go on. 409 when it is not active."""
    reason = body.reason if body else ""

    def work(connection: Any) -> Outcome:
        paused = services.schedule_pause(request.grant, connection, schedule_id, reason)
        return Outcome(presenters.schedule(paused))

    return answer_once(request, work)


@router.post("/schedules/{uuid:schedule_id}/resume", url_name="schedule-resume", tags=TAGS)
@requires("workflows.schedule:operate")
def resume_schedule(request: Request, schedule_id: uuid.UUID) -> HttpResponse:
    """Let a paused schedule go on; what came meanwhile is up to its catch-up policy. 409 when it is not paused."""

    def work(connection: Any) -> Outcome:
        resumed = services.schedule_resume(request.grant, connection, schedule_id)
        return Outcome(presenters.schedule(resumed))

    return answer_once(request, work)


@router.post("/schedules/{uuid:schedule_id}/run", url_name="schedule-run", tags=TAGS)
@requires("workflows.schedule:operate")
def run_schedule(request: Request, schedule_id: uuid.UUID) -> HttpResponse:
    """Start it once, now, within its overlap policy: 409 when that forbids it, no run yet when the run waits for its turn."""

    def work(connection: Any) -> Outcome:
        fired = services.schedule_run(request.grant, connection, schedule_id)
        data = {"schedule_id": str(schedule_id), **presenters.tick(fired)}
        return Outcome(data, HTTPStatus.CREATED, fired.workflow_run_id)

    return answer_once(request, work)


@router.post("/schedules/{uuid:schedule_id}/backfill", url_name="schedule-backfill", tags=TAGS)
@requires("workflows.schedule:write")
def backfill_schedule(request: Request, schedule_id: uuid.UUID, body: BackfillBody) -> HttpResponse:
    """Fire the ticks of a time that has passed which did not fire. A dry run, which is the default, only counts them."""

    def work(connection: Any) -> Outcome:
        done = services.schedule_backfill(
            request.grant, connection, schedule_id, begin=body.begin, end=body.end, dry_run=body.dry_run
        )
        return Outcome({"schedule_id": str(schedule_id), **presenters.backfill(done)})

    return answer_once(request, work)
