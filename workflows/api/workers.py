"""The workers of the platform: seen by every tenant's readers, told what to do by operators of the platform alone."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from ..fleet import presenters, services
from ..fleet.schemas import CapacityBody, CleanupBody, PauseBody, ResumeBody, WorkerQuery
from ..insight.queues import fleet_counts
from .router import router

TAGS = ["workers"]


@router.get("/workers", url_name="worker-list", tags=TAGS)
@requires("workflows.worker:read")
def list_workers(request: Request, query: Query[WorkerQuery]) -> dict[str, Any]:
    """Workers by name, at most a thousand. Offline: gone, and not taken off the list yet."""
    workers = [presenters.worker(one) for one in services.worker_list(request.grant, query)]
    return success({"workers": workers, "count": len(workers)})


@router.get("/workers/summary", url_name="worker-summary", tags=TAGS)
@requires("workflows.worker:read")
def summarize_workers(request: Request) -> dict[str, Any]:
    """How many workers of each status, and how much of what they can hold they do hold."""
    return success(fleet_counts(services.worker_list(request.grant, WorkerQuery())))


@router.get("/workers/{uuid:worker_id}", url_name="worker-detail", tags=TAGS)
@requires("workflows.worker:read")
def show_worker(request: Request, worker_id: uuid.UUID) -> dict[str, Any]:
    """One worker."""
    return success(presenters.worker(services.worker_get(request.grant, worker_id)))


@router.post("/workers/cleanup", url_name="worker-cleanup", tags=TAGS)
@requires("platform.worker:manage")
def clean_up_workers(request: Request, body: CleanupBody | None = None) -> HttpResponse:
    """Take workers off the list that are gone or silent; their tasks go to others."""
    seconds = (body or CleanupBody()).threshold_seconds

    def work(connection: Any) -> Outcome:
        forgotten = [str(one) for one in services.workers_clean_up(request.grant, connection, seconds)]
        return Outcome({"workers": forgotten, "count": len(forgotten)})

    return answer_once(request, work)


@router.post("/workers/{uuid:worker_id}/pause", url_name="worker-pause", tags=TAGS)
@requires("platform.worker:manage")
def pause_worker(request: Request, worker_id: uuid.UUID, body: PauseBody | None = None) -> HttpResponse:
    """Let a worker take nothing new from its next heartbeat on; what it has goes on."""
    return _order(request, worker_id, "paused", body.reason if body else "")


@router.post("/workers/{uuid:worker_id}/drain", url_name="worker-drain", tags=TAGS)
@requires("platform.worker:manage")
def drain_worker(request: Request, worker_id: uuid.UUID) -> HttpResponse:
    """Let a worker finish what it has, and leave with exit code 0."""
    return _order(request, worker_id, "draining", "")


@router.post("/workers/{uuid:worker_id}/resume", url_name="worker-resume", tags=TAGS)
@requires("platform.worker:manage")
def resume_worker(request: Request, worker_id: uuid.UUID, body: ResumeBody | None = None) -> HttpResponse:
    """Let a paused worker, or one that is still draining, take work again."""

    def work(connection: Any) -> Outcome:
        worker = services.worker_order(request.grant, connection, worker_id, "active")
        if body and body.batch_size is not None:
            limits = CapacityBody(batch_size=body.batch_size)
            worker = services.worker_limit(request.grant, connection, worker_id, limits)
        return Outcome(presenters.worker(worker))

    return answer_once(request, work)


@router.put("/workers/{uuid:worker_id}/capacity", url_name="worker-capacity", tags=TAGS)
@requires("platform.worker:manage")
def limit_worker(request: Request, worker_id: uuid.UUID, body: CapacityBody | None = None) -> HttpResponse:
    """Change how many tasks a worker holds, and how many it takes at a time."""

    def work(connection: Any) -> Outcome:
        worker = services.worker_limit(request.grant, connection, worker_id, body or CapacityBody())
        return Outcome(presenters.worker(worker))

    return answer_once(request, work)


@router.delete("/workers/{uuid:worker_id}", url_name="worker-forget", tags=TAGS)
@requires("platform.worker:manage")
def forget_worker(request: Request, worker_id: uuid.UUID) -> HttpResponse:
    """Take a worker off the list that is gone; 409 for one that is alive: drain it first."""

    def work(connection: Any) -> Outcome:
        services.worker_forget(request.grant, connection, worker_id)
        return Outcome({"worker_id": str(worker_id), "deleted": True})

    return answer_once(request, work)


def _order(request: Request, worker_id: uuid.UUID, state: str, reason: str) -> HttpResponse:
    def work(connection: Any) -> Outcome:
        return Outcome(presenters.worker(services.worker_order(request.grant, connection, worker_id, state, reason)))

    return answer_once(request, work)
