"""Errors of the API: one shape, a stable code, a message that says what to do, and the place of each bad field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

API_PREFIX = "/api/"


@dataclass(frozen=True, slots=True)
class Detail:
    """One bad field. ``path`` is a JSON path from the body's root, such as ``$.workflow_definition.tasks.a``."""

    path: str
    code: str
    message: str


class ApiError(Exception):
    """Becomes an error answer. ``extra`` are fields beside the usual ones, such as ``existing_run_id``; ``headers`` go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Detail] = (),
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.extra = extra or {}
        self.headers = headers or {}


def not_found() -> ApiError:
    """The same words for what does not exist and for what belongs to another tenant."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", "There is no such thing here.")


def error_response(request: HttpRequest, error: ApiError) -> HttpResponse:
    """The answer for an error. ``field`` repeats ``path`` for clients that know it by that name."""
    body = {
        "status": "error",
        "code": error.code,
        "message": error.message,
        "details": [{**asdict(detail), "field": detail.path} for detail in error.details],
        "request_id": getattr(request, "request_id", None),
        "timestamp": timezone.now().isoformat(),
        **error.extra,
    }
    return JsonResponse(body, status=error.status, headers=error.headers)


class ApiErrorShapeMiddleware:
    """An address or a method that the API does not have is answered in its own shape, not as a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = not response.headers.get("Content-Type", "").startswith("application/json")
        if request.path.startswith(API_PREFIX) and is_page and response.status_code in _STRAY:
            shaped = error_response(request, _STRAY[HTTPStatus(response.status_code)])
            if "Allow" in response:
                shaped["Allow"] = response["Allow"]
            return shaped
        return response


_STRAY = {
    HTTPStatus.NOT_FOUND: not_found(),
    HTTPStatus.METHOD_NOT_ALLOWED: ApiError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method; see the Allow header.",
    ),
}
