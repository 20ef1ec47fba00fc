"""Routes about the platform itself. They tell nothing about any tenant and are open to everybody (see public_routes)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.http import HttpRequest

from highway_platform.kit.rest.router import SecuredRouter

router = SecuredRouter()


@router.get("/ping", url_name="ping")
def ping(request: HttpRequest) -> dict[str, Any]:
    """Whether the web server answers. Asks nothing of the database."""
    return {"status": "success", "data": {"ping": "pong"}}


@router.get("/version", url_name="version")
def show_version(request: HttpRequest) -> dict[str, Any]:
    """The version of this server and of its API."""
    return {"status": "success", "data": {"version": _version(), "api_version": "1", "name": "Highway Platform"}}


def _version() -> str:
    try:
        return version("highway-platform")
    except PackageNotFoundError:  # run from a checkout, which is never installed
        return "0.1.0"
