"""Every request has an id: the caller's, when it is a plain one, or a new one. Answers and log lines carry it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from .identifiers import uuid7
from .permissions import Access, Grant

PLAIN_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


class Request(HttpRequest):
    """A request as our middleware leaves it. For annotations: Django makes the objects."""

    request_id: str
    tenant: Any  # the tenant in the path or of the key; None where there is none, or where a stranger asks
    access: Access
    grant: Grant  # only behind an edge that minted it


class RequestIdMiddleware:
    """Sets ``request.request_id`` and the header X-Request-ID of the answer."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if PLAIN_ID.match(given) else str(uuid7())
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id
        return response
