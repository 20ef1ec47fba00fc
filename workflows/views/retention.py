"""How long ended runs are kept: what is set, what the next sweep would delete, and changing it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engine.model.upkeep import Retention, Sweep
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import upkeep
from workflows.operation_forms import RetentionForm
from workflows.views.fragments import as_fragment
from workflows.views.once import say_once


@require_safe
@screen("workflows.retention:read")
def retention_detail(request: Request) -> HttpResponse:
    """The policy, and what it does not keep."""
    policy = upkeep.retention_get(request.grant)
    form = RetentionForm(
        initial={"keep_completed_days": policy.keep_completed_days, "keep_failed_days": policy.keep_failed_days}
    )
    return _page(request, form, policy, upkeep.retention_preview(request.grant, policy))


@require_POST
@screen("workflows.retention:read")
def retention_sweep(request: Request) -> HttpResponse:
    """What the policy in the form would not keep. Stores nothing."""
    form = RetentionForm(request.POST)
    sweep = upkeep.retention_preview(request.grant, form.policy()) if form.is_valid() else None
    return as_fragment(render(request, "pages/workflows/retention.html#sweep", {"sweep": sweep, "is_draft": True}))


@require_POST
@screen("workflows.retention:manage")
def retention_change(request: Request) -> HttpResponse:
    """Set the policy. One that lets more runs be deleted says how many before it is set."""
    form = RetentionForm(request.POST)
    policy = upkeep.retention_get(request.grant)
    if not form.is_valid():
        return _page(request, form, policy, None, status=422)
    wanted = form.policy()
    sweep = upkeep.retention_preview(request.grant, wanted)
    now = upkeep.retention_preview(request.grant, policy)
    asks_first = sweep.runs > now.runs and "confirmed" not in request.POST
    if asks_first or "check" in request.POST:
        return _page(request, form, policy, sweep, is_draft=True, is_asked=asks_first and "check" not in request.POST)

    def work(connection: Any) -> str:
        upkeep.retention_set(request.grant, connection, wanted)
        return _("The policy was set.")

    messages.success(request, say_once(request, work))
    return redirect("workflows:retention")


def _page(
    request: Request, form: RetentionForm, policy: Retention, sweep: Sweep | None, *, status: int = 200, **more: bool
) -> HttpResponse:
    context = {
        "area": "retention",
        "form": form,
        "policy": policy,
        "sweep": sweep,
        "may_manage": request.grant.permits(upkeep.MANAGE_RETENTION),
        "key": request.POST.get("key") or uuid7(),
        **more,
    }
    return render(request, "pages/workflows/retention.html", context, status=status)
