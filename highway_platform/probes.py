"""What load balancers and supervisors ask, who know no API."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from workflows import selectors


def ping(_request: HttpRequest) -> HttpResponse:
    """Whether the web server answers. Asks nothing of the database."""
    return HttpResponse("pong\n", content_type="text/plain")


def health(_request: HttpRequest) -> HttpResponse:
    """Whether the installation makes progress: 200, or 503 with the reason."""
    now = selectors.health()
    status = HTTPStatus.OK if now.healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return HttpResponse(f"{now.problem or 'healthy'}\n", content_type="text/plain", status=status)
