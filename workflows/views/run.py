"""The page of one run, and what can be done to it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows.pages.run import RunPage, load_run_page, load_tag
from workflows.views.fragments import as_fragment, unchanged

TAB_LABELS = {
    "graph": gettext_lazy("Graph"),
    "timeline": gettext_lazy("Timeline"),
    "steps": gettext_lazy("Steps"),
    "events": gettext_lazy("Events"),
    "logs": gettext_lazy("Logs"),
    "io": gettext_lazy("Input / output"),
}


@require_safe
@screen("workflows.run:read")
def run_detail(request: Request, run_id: UUID, tab: str = "graph") -> HttpResponse:
    """A run by one of its tabs."""
    return render(request, "pages/workflows/run.html", _context(request, _page(request, run_id, tab)))


@require_safe
@screen("workflows.run:read")
def run_live(request: Request, run_id: UUID, tab: str) -> HttpResponse:
    """The page's changing part. A poll of an unchanged run costs one indexed read."""
    tag = load_tag(request.grant, run_id)
    response = unchanged(request, tag)
    if response:
        return response
    page = _page(request, run_id, tab)
    return as_fragment(render(request, "pages/workflows/run.html#live", _context(request, page)), page.tag)


def _page(request: Request, run_id: UUID, tab: str) -> RunPage:
    after = request.GET.get("after", "")
    return load_run_page(
        request.grant, run_id, tab=tab, step=request.GET.get("step", ""), after=int(after) if after.isdecimal() else 0
    )


def _context(request: Request, page: RunPage) -> dict[str, object]:
    return {
        "area": "runs",
        "page": page,
        "run": page.run,
        "tabs": TAB_LABELS.items(),
        "asked_step": request.GET.get("step", ""),
        "may_cancel": request.grant.permits("workflows.run:cancel"),
        "may_submit": request.grant.permits("workflows.run:submit"),
        "may_pause": request.grant.permits("workflows.run:pause"),
        "may_kill": request.grant.permits("workflows.run:kill"),
        "key": uuid7(),
    }
