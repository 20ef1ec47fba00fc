"""The runs list."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.requests import Request
from workflows.pages.runs import SPAN_LABELS, count_newer, load_runs_page
from workflows.views.fragments import as_fragment, unchanged


@require_safe
@screen("workflows.run:read")
def run_list(request: Request) -> HttpResponse:
    """Runs, newest first. With ``part=rows`` only the next rows, for the page that grows."""
    page = load_runs_page(request.grant, request.GET)
    rows_only = request.GET.get("part") == "rows"
    template = "pages/workflows/runs.html" + ("#rows" if rows_only else "")
    response = render(request, template, {"area": "runs", "page": page, "spans": SPAN_LABELS})
    return as_fragment(response) if rows_only else response


@require_safe
@screen("workflows.run:read")
def run_counts(request: Request) -> HttpResponse:
    """The status chips with their counts as they are now."""
    page = load_runs_page(request.grant, request.GET)
    tag = "-".join(chip.count for chip in page.chips)
    response = unchanged(request, tag)
    return response or as_fragment(render(request, "pages/workflows/runs.html#chips", {"page": page, "tag": tag}), tag)


@require_safe
@screen("workflows.run:read")
def run_news(request: Request, newest: UUID) -> HttpResponse:
    """How many runs were started since the newest that the page shows; rows never jump in by themselves."""
    count = count_newer(request.grant, newest)
    context = {"count": count, "newest": newest, "asked": request.GET.urlencode()}
    response = unchanged(request, str(count))
    return response or as_fragment(render(request, "pages/workflows/runs.html#news", context), str(count))
