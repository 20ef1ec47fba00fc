"""Forgetting idempotency keys: what was answered under them may then be done again. For tests and for cleaning up after a broken client."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once
from highway_platform.kit.rest.router import requires

from .. import services
from .router import router

TAGS = ["idempotency"]
MOST_KEYS = 10_000


@router.post("/idempotency/reset-all", url_name="idempotency-reset", tags=TAGS)
@requires("workflows.idempotency:reset")
def forget_keys(request: Request) -> HttpResponse:
    """Forget the tenant's keys, ten thousand at a time; ``complete`` says whether those were all."""

    def work(connection: Any) -> Outcome:
        forgotten = services.idempotency_reset(request.grant, connection, MOST_KEYS)
        complete = forgotten < MOST_KEYS
        data = {"message": "Idempotency records deleted", "records_deleted": forgotten, "complete": complete}
        return Outcome(data)

    return answer_once(request, work)


@router.delete("/idempotency/{path:idempotency_key}", url_name="idempotency-forget", tags=TAGS)
@requires("workflows.idempotency:reset")
def forget_key(request: Request, idempotency_key: str) -> HttpResponse:
    """Forget one key of the tenant. One that is unknown, or is being answered now, changes nothing."""

    def work(connection: Any) -> Outcome:
        forgotten = services.idempotency_forget(request.grant, connection, idempotency_key)
        return Outcome({"message": "Idempotency record deleted", "records_deleted": forgotten})

    return answer_once(request, work)
