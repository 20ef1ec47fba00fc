"""The first page of a tenant."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.requests import Request
from workflows.pages.dashboard import load_dashboard
from workflows.views.fragments import as_fragment


@require_safe
@screen("workflows.run:read")
def dashboard(request: Request) -> HttpResponse:
    """What needs somebody, figures, and the newest runs."""
    return render(
        request, "pages/workflows/dashboard.html", {"area": "dashboard", "page": load_dashboard(request.grant)}
    )


@require_safe
@screen("workflows.run:read")
def dashboard_live(request: Request) -> HttpResponse:
    """The changing part of the first page."""
    page = load_dashboard(request.grant)
    return as_fragment(render(request, "pages/workflows/dashboard.html#live", {"page": page}))
