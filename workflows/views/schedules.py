"""Schedules: the list, and one of them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import schedule_services as services
from workflows.pages.schedules import SchedulePage, load_schedule_page, load_schedules
from workflows.views.fragments import as_fragment, unchanged


@require_safe
@screen("workflows.schedule:read")
def schedule_list(request: Request) -> HttpResponse:
    """Schedules by name: when they come, how their last ticks went."""
    found, after = load_schedules(request.grant, request.GET.get("after", ""))
    context = {
        "area": "schedules",
        "schedules": found,
        "next": after,
        "may_write": request.grant.permits(services.WRITE),
    }
    return render(request, "pages/workflows/schedules.html", context)


@require_safe
@screen("workflows.schedule:read")
def schedule_detail(request: Request, schedule_id: UUID) -> HttpResponse:
    """One schedule: how it stands, its next times, what became of its ticks."""
    page = load_schedule_page(request.grant, schedule_id, request.GET.get("before", ""))
    return render(request, "pages/workflows/schedule.html", _context(request, page))


@require_safe
@screen("workflows.schedule:read")
def schedule_live(request: Request, schedule_id: UUID) -> HttpResponse:
    """The changing part of its page."""
    page = load_schedule_page(request.grant, schedule_id, request.GET.get("before", ""))
    response = unchanged(request, page.tag)
    if response:
        return response
    return as_fragment(render(request, "pages/workflows/schedule.html#live", _context(request, page)), page.tag)


def _context(request: Request, page: SchedulePage) -> dict[str, object]:
    return {
        "area": "schedules",
        "page": page,
        "schedule": page.schedule,
        "spec": page.schedule.spec,
        "may_write": request.grant.permits(services.WRITE),
        "may_operate": request.grant.permits(services.OPERATE),
        "key": uuid7(),
    }
