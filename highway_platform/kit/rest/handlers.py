"""What an exception becomes: every failure leaves the API in the one shape of errors."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from engine import facade
from highway_platform.kit.permissions import PermissionMissingError
from sandbox.errors import SandboxUnavailable

from .errors import ApiError, Detail, error_response, not_found
from .router import refusal

log = logging.getLogger(__name__)


def install_handlers(api: NinjaAPI) -> None:
    """Make every failure of this API an answer in the shape of `errors`."""
    for kind, translate in _TRANSLATIONS.items():
        api.add_exception_handler(kind, _handler(translate))


def _handler(translate: Any) -> Any:
    def handle(request: HttpRequest, error: Exception) -> HttpResponse:
        return error_response(request, translate(request, error))

    return handle


def _api_error(_request: HttpRequest, error: ApiError) -> ApiError:
    return error


def _http404(_request: HttpRequest, _error: Http404) -> ApiError:
    return not_found()


def _http_error(_request: HttpRequest, error: HttpError) -> ApiError:
    """Ninja's own: the body is no JSON."""
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return ApiError(
            HTTPStatus.BAD_REQUEST, "invalid_json", "The body is no valid JSON.", details=[_whole_body(error)]
        )
    return ApiError(error.status_code, "refused", str(error))


def _whole_body(error: HttpError) -> Detail:
    reason = error.__cause__ or error
    return Detail(path="$", code="invalid_json", message=str(reason))


def _validation_error(_request: HttpRequest, error: ValidationError) -> ApiError:
    details = [
        Detail(_json_path(item["loc"]), str(item["type"]), str(item["msg"]).removeprefix("Value error, "))
        for item in error.errors
    ]
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_request",
        f"{details[0].path}: {details[0].message}" if details else "The request is not valid.",
        details=details,
    )


def _json_path(location: tuple[str | int, ...]) -> str:
    """Ninja's location ('body', 'payload', 'tags', 0) as a JSON path. The second part is only the parameter's name."""
    where, *rest = location
    parts = rest[1:] if where == "body" else rest
    start = "$" if where == "body" else str(where)
    return start + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "The body is larger than this server accepts."
    )


def _engine_not_found(_request: HttpRequest, _error: facade.NotFoundError) -> ApiError:
    return not_found()


def _engine_state(_request: HttpRequest, error: facade.StateError) -> ApiError:
    return ApiError(HTTPStatus.CONFLICT, "conflict", str(error))


def _engine_not_allowed(_request: HttpRequest, error: facade.NotAllowedError) -> ApiError:
    return ApiError(HTTPStatus.FORBIDDEN, "no_say", str(error))


def _engine_invalid(_request: HttpRequest, error: facade.InvalidError) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", str(error))


def _cap_reached(_request: HttpRequest, error: facade.BacklogFullError) -> ApiError:
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"{error.what}_full" if error.what == "backlog" else "rate_limited",
        f"{str(error).capitalize()}. Try again in {error.retry_after_seconds} s.",
        extra={"figure": error.figure, "limit": error.limit, "retry_after_seconds": error.retry_after_seconds},
        headers={
            "Retry-After": str(error.retry_after_seconds),
            "X-RateLimit-Limit": str(error.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(error.retry_after_seconds),
        },
    )


def _key_reused(_request: HttpRequest, error: facade.KeyReuseError) -> ApiError:
    """The run's id stands at the top level: clients that lost the first answer find their run there."""
    run_id = str(error.workflow_run_id) if error.workflow_run_id else None
    return ApiError(
        HTTPStatus.CONFLICT,
        "idempotency_conflict",
        "This idempotency key was used with a different request. Use a new key for a new request.",
        extra={"existing_run_id": run_id},
    )


def _database_gone(
    _request: HttpRequest, error: OperationalError | facade.ConnectionLostError | facade.BusyError
) -> ApiError:
    log.error("the database did not answer: %s", type(error).__name__)
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The database does not answer. Try again in a moment."
    )


def _no_sandbox(_request: HttpRequest, error: SandboxUnavailable) -> ApiError:
    """The reason is the operator's business: it tells of the machine."""
    log.error("Python source cannot be compiled: %s", error)
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "sandbox_unavailable",
        "Python source cannot be compiled on this server now; JSON and YAML can be read. Its operator finds the reason in the log.",
    )


def _unexpected(_request: HttpRequest, error: Exception) -> ApiError:
    log.error("unexpected failure of the API", exc_info=error)
    return ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong here. Quote the request id when you report it.",
    )


_TRANSLATIONS: dict[type[Exception], Any] = {
    ApiError: _api_error,
    PermissionMissingError: refusal,
    Http404: _http404,
    HttpError: _http_error,
    ValidationError: _validation_error,
    RequestDataTooBig: _too_big,
    facade.NotFoundError: _engine_not_found,
    facade.StateError: _engine_state,
    facade.InvalidError: _engine_invalid,
    facade.NotAllowedError: _engine_not_allowed,
    facade.KeyReuseError: _key_reused,
    facade.BacklogFullError: _cap_reached,
    OperationalError: _database_gone,
    facade.ConnectionLostError: _database_gone,
    facade.BusyError: _database_gone,
    SandboxUnavailable: _no_sandbox,
    Exception: _unexpected,
}
