"""Successful answers, and the one effect of a request that is sent more than once.

A mutating request may carry a key. Its effect and its answer are stored in one transaction, so the same key and body get the same
answer for a week, however often and however concurrently they come; the same key with another body is a conflict.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from engine import facade
from highway_platform.kit.requests import Request
from highway_platform.kit.tenancy import tenant_statements, tenant_transaction

from .errors import ApiError

MAX_KEY_LENGTH = 255
SECONDS_A_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mutating route did. ``run_id`` is the run a later conflict will name; ``beside`` stands beside the data, where public clients look for it."""

    data: dict[str, Any]
    status: int = HTTPStatus.OK
    run_id: uuid.UUID | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The whole answer."""
        return {**success(self.data), **self.beside}


def success(data: Any) -> dict[str, Any]:
    """The envelope of every successful answer."""
    return {"status": "success", "data": data}


def answer_once(
    request: Request, work: Callable[[Any], Outcome], content: bytes | None = None, *, apart: bool = False
) -> HttpResponse:
    """Do ``work`` in one transaction for the tenant of the grant and answer; a repeated request gets the stored answer.

    ``content`` makes two requests the same where it is not the body: a form that is sent again has another boundary. With ``apart``
    a request without a key has no transaction around its work: each call of the engine in it is whole by itself.
    """
    tenant_id = request.grant.tenant_id
    key = _key_of(request)
    if key is None:
        with tenant_statements() if apart else tenant_transaction(tenant_id) as connection:
            outcome = work(connection)
        return _rendered(outcome.body, outcome.status)
    with tenant_transaction(tenant_id) as connection:
        stored = facade.claim_key(
            connection,
            tenant_id=tenant_id,
            key=key,
            request_hash=_hash_of(request, request.body if content is None else content),
            keep_seconds=settings.HIGHWAY_IDEMPOTENCY_DAYS * SECONDS_A_DAY,
        )
        if stored is not None:
            replayed = _rendered(stored.body, stored.status)
            replayed["Idempotency-Replayed"] = "true"
            return replayed
        outcome = work(connection)
        body = outcome.body
        facade.answer(
            connection,
            tenant_id=tenant_id,
            key=key,
            status=outcome.status,
            body=body,
            workflow_run_id=outcome.run_id,
        )
    return _rendered(body, outcome.status)


def _rendered(body: Any, status: int) -> HttpResponse:
    """Keys in order: an answer that went through the database must come back byte for byte."""
    return JsonResponse(body, status=status, safe=False, json_dumps_params={"sort_keys": True})


def _key_of(request: Request) -> str | None:
    key = request.headers.get("X-Idempotency-Key") or request.headers.get("Idempotency-Key")
    if key and len(key) > MAX_KEY_LENGTH:
        message = f"An idempotency key has at most {MAX_KEY_LENGTH} characters."
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_idempotency_key", message)
    return key or None


def _hash_of(request: Request, content: bytes) -> str:
    """What makes two requests the same: method, address with its query, and the content's meaning, whatever its spacing."""
    parts = (request.method or "", request.get_full_path(), _meaning(content))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _meaning(body: bytes) -> str:
    """JSON in one form. A route that reads no body may be sent anything."""
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        return body.hex()
