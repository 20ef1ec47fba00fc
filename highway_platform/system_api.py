"""Routes about the platform itself. They tell nothing about any tenant and are open to everybody (see public_routes)."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.http import HttpRequest

from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import ApiError
from highway_platform.kit.rest.router import SecuredRouter
from workflows.selectors import health

router = SecuredRouter(tags=["system"])


@router.get("/ping", url_name="ping")
def ping(request: HttpRequest) -> dict[str, Any]:
    """Whether the web server answers. Asks nothing of the database."""
    return success({"ping": "pong"})


@router.get("/health", url_name="health")
def show_health(request: HttpRequest) -> dict[str, Any]:
    """Whether due work is being claimed: 503 when no worker lives or work waits that nobody takes."""
    now = health()
    checks = {
        "database": {"status": "healthy"},
        "workers": {"status": "healthy" if now.workers else "unhealthy", "live": now.workers},
        "work": {
            "status": "healthy" if now.healthy else "unhealthy",
            "due_tasks": now.due_tasks,
            "oldest_due_seconds": now.oldest_due_seconds,
        },
    }
    if not now.healthy:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "unhealthy",
            f"{now.problem[:1].upper()}{now.problem[1:]}.",
            extra={"checks": checks},
        )
    return success({"status": "healthy", "checks": checks})


@router.get("/version", url_name="version")
def show_version(request: HttpRequest) -> dict[str, Any]:
    """The version of this server and of its API."""
    return success({"version": _version(), "api_version": "1", "name": "Highway Platform"})


def _version() -> str:
    try:
        return version("highway-platform")
    except PackageNotFoundError:  # run from a checkout, which is never installed
        return "0.1.0"
