"""Circuit breakers and named locks."""

from __future__ import annotations

import uuid
from typing import Any, get_args

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query

from engine.model.upkeep import BreakerState
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import upkeep
from ..upkeep_shapes import BreakerPlace, BreakerQuery, breaker, held_lock, lock_entry
from .router import router

TAGS = ["circuit_breakers"]


@router.get("/circuit-breakers", url_name="breaker-list", tags=TAGS)
@requires("workflows.guard:read")
def list_breakers(request: Request, query: Query[BreakerQuery]) -> dict[str, Any]:
    """Breakers that have counted a failure, by resource; by ``state`` (CLOSED, OPEN, HALF_OPEN) when it is given."""
    found = upkeep.breaker_list(request.grant, query.state)
    counts = {state: sum(one.state == state for one in found) for state in get_args(BreakerState)}
    return success({"circuit_breakers": [breaker(one) for one in found], "summary": {"total": len(found), **counts}})


@router.post("/circuit-breakers/reset", url_name="breaker-reset-all", tags=TAGS)
@requires("workflows.guard:manage")
def reset_all(request: Request) -> HttpResponse:
    """Close every breaker of the tenant and forget its failures. Workers heed it within a second."""

    def work(connection: Any) -> Outcome:
        number = upkeep.breaker_reset(request.grant, connection)
        message = f"{number} circuit breakers were reset; workers heed it within a second."
        return Outcome({"message": message, "reset": number, "timestamp": timezone.now().isoformat()})

    return answer_once(request, work)


@router.get("/circuit-breakers/{resource_key}", url_name="breaker-detail", tags=TAGS)
@requires("workflows.guard:read")
def show_breaker(request: Request, resource_key: str, query: Query[BreakerPlace]) -> dict[str, Any]:
    """One breaker. ``workflow_name`` tells which, where a workflow has one of its own."""
    return success(breaker(upkeep.breaker_get(request.grant, resource_key, query.workflow_name)))


@router.post("/circuit-breakers/{resource_key}/reset", url_name="breaker-reset", tags=TAGS)
@requires("workflows.guard:manage")
def reset_breaker(request: Request, resource_key: str, query: Query[BreakerPlace]) -> HttpResponse:
    """Close a breaker and forget its failures."""

    def work(connection: Any) -> Outcome:
        upkeep.breaker_reset(request.grant, connection, resource_key, query.workflow_name)
        return Outcome({"resource_key": resource_key, "message": "The circuit breaker was reset.", "state": "CLOSED"})

    return answer_once(request, work)


@router.get("/workflows/{uuid:workflow_run_id}/locks", url_name="lock-list", tags=["workflows"])
@requires("workflows.run:read")
def list_locks(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """How a run came by its locks and let them go, and which it holds or waits for."""
    story, held = upkeep.lock_list(request.grant, workflow_run_id)
    return success(
        {
            "workflow_run_id": str(workflow_run_id),
            "locks": [lock_entry(entry) for entry in story],
            "total_locks": len(story),
            "active_locks": [held_lock(lock) for lock in held],
        }
    )
