"""Limits by key: the list, one of them, and setting its figures by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engine import facade
from engine.model.flow import LimitView
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import flow
from workflows.flow_schemas import LimitBody
from workflows.operation_forms import LimitForm
from workflows.pages.limits import limit_tag, load_limit, load_limits
from workflows.views.asking import sentence
from workflows.views.changing import change
from workflows.views.fragments import as_fragment, unchanged
from workflows.views.once import say_once

AREA = "limits"


@require_safe
@screen("workflows.limit:read")
def limit_list(request: Request) -> HttpResponse:
    """Limits that runs or steps have used: how many slots are held, and how many wait."""
    page = load_limits(request.grant, request.GET)
    return render(request, "pages/workflows/limits.html", {"area": AREA, "page": page})


@require_safe
@screen("workflows.limit:read")
def limit_list_live(request: Request) -> HttpResponse:
    """The changing part of the list."""
    page = load_limits(request.grant, request.GET)
    return unchanged(request, page.tag) or as_fragment(
        render(request, "pages/workflows/limits.html#live", {"page": page}), page.tag
    )


@require_safe
@screen("workflows.limit:read")
def limit_detail(request: Request, kind: str, limit_key: str) -> HttpResponse:
    """One limit with who holds its slots and who stands in line."""
    limit = load_limit(request.grant, kind, limit_key)
    context = _context(request, limit) | {"form": LimitForm(limit=limit)}
    return render(request, "pages/workflows/limit.html", context)


@require_safe
@screen("workflows.limit:read")
def limit_live(request: Request, kind: str, limit_key: str) -> HttpResponse:
    """The changing part of its page."""
    limit = load_limit(request.grant, kind, limit_key)
    tag = limit_tag(limit)
    return unchanged(request, tag) or as_fragment(
        render(request, "pages/workflows/limit.html#live", _context(request, limit)), tag
    )


@require_POST
@screen("workflows.limit:manage")
def limit_change(request: Request, kind: str, limit_key: str) -> HttpResponse:
    """Set its figures; they stay until somebody lets the definitions speak again."""
    limit = load_limit(request.grant, kind, limit_key)
    form = LimitForm(request.POST, limit=limit)
    if form.is_valid():
        body = LimitBody(limit=form.cleaned_data["capacity"], per_seconds=form.cleaned_data.get("per_seconds"))

        def work(connection: Any) -> str:
            flow.limit_change(request.grant, connection, kind, limit_key, body)
            return _("The limit was set by hand.")

        try:
            said = say_once(request, work)
        except facade.InvalidError as refusal:
            form.add_error("capacity", sentence(refusal))
        else:
            messages.success(request, said)
            return redirect(_where(kind, limit_key))
    return render(request, "pages/workflows/limit.html", _context(request, limit) | {"form": form}, status=422)


@require_POST
@screen("workflows.limit:manage")
def limit_release(request: Request, kind: str, limit_key: str) -> HttpResponse:
    """Let the definitions say its figures again."""

    def work(connection: Any) -> None:
        flow.limit_change(request.grant, connection, kind, limit_key, LimitBody.model_validate({"pinned": False}))

    return change(request, _where(kind, limit_key), work, _("The next use of the key brings its own figures."))


def _where(kind: str, key: str) -> str:
    return reverse("workflows:limit", args=[kind, key])


def _context(request: Request, limit: LimitView) -> dict[str, Any]:
    return {
        "area": AREA,
        "limit": limit,
        "tag": limit_tag(limit),
        "may_manage": request.grant.permits(flow.MANAGE_LIMIT),
        "key": uuid7(),
    }
