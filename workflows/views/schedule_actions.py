"""What can be done to a schedule from its page. Each works without scripts: a form, and a page to come back to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from engine import facade
from engine.model.schedules import Backfill
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from highway_platform.kit.tenancy import tenant_transaction
from workflows import schedule_services as services
from workflows.pages.schedules import load_schedule
from workflows.schedule_forms import BackfillForm
from workflows.views.once import do_once


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.schedule:operate")
def schedule_pause(request: Request, schedule_id: UUID) -> HttpResponse:
    """Ask why; then let it rest."""
    reason = request.POST.get("reason", "").strip()[:500]
    if request.method != "POST" or not reason:
        context = {
            "area": "schedules",
            "schedule": load_schedule(request.grant, schedule_id),
            "key": uuid7(),
            "is_missing": request.method == "POST",
        }
        return render(
            request, "pages/workflows/schedule_pause.html", context, status=422 if context["is_missing"] else 200
        )

    def work(connection: Any) -> UUID:
        return services.schedule_pause(request.grant, connection, schedule_id, reason).schedule_id

    return _done(request, schedule_id, work, _("The schedule is paused."))


@require_POST
@screen("workflows.schedule:operate")
def schedule_resume(request: Request, schedule_id: UUID) -> HttpResponse:
    """Let it go on."""

    def work(connection: Any) -> UUID:
        return services.schedule_resume(request.grant, connection, schedule_id).schedule_id

    return _done(request, schedule_id, work, _("The schedule goes on."))


@require_POST
@screen("workflows.schedule:operate")
def schedule_run(request: Request, schedule_id: UUID) -> HttpResponse:
    """Fire it once, now."""

    def work(connection: Any) -> UUID:
        services.schedule_run(request.grant, connection, schedule_id)
        return schedule_id

    return _done(request, schedule_id, work, _("Asked to run now: see the first line of its history."))


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.schedule:write")
def schedule_delete(request: Request, schedule_id: UUID) -> HttpResponse:
    """Say what deleting does; then do it."""
    if request.method != "POST":
        context = {"area": "schedules", "schedule": load_schedule(request.grant, schedule_id), "key": uuid7()}
        return render(request, "pages/workflows/schedule_delete.html", context)

    def work(connection: Any) -> UUID:
        services.schedule_delete(request.grant, connection, schedule_id)
        return schedule_id

    do_once(request, work)
    messages.success(request, _("The schedule was deleted. Its runs are still here."))
    return redirect("workflows:schedule-list")


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.schedule:write")
def schedule_backfill(request: Request, schedule_id: UUID) -> HttpResponse:
    """Ask for a time; count; then fire what did not fire in it."""
    schedule = load_schedule(request.grant, schedule_id)
    form = BackfillForm(request.POST or None)
    context = {"area": "schedules", "schedule": schedule, "form": form, "key": request.POST.get("key") or uuid7()}
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "pages/workflows/schedule_backfill.html", context, status=status)
    span = form.span(schedule.spec.zone)
    try:
        if "confirmed" not in request.POST:
            context["counted"] = _count(request, schedule_id, span)
            return render(request, "pages/workflows/schedule_backfill.html", context)
        return _fill(request, schedule_id, span)
    except facade.InvalidError as refused:
        form.add_error(None, str(refused))
        return render(request, "pages/workflows/schedule_backfill.html", context, status=422)


def _count(request: Request, schedule_id: UUID, span: dict[str, Any]) -> Backfill:
    with tenant_transaction(request.grant.tenant_id) as connection:
        return services.schedule_backfill(request.grant, connection, schedule_id, **span, dry_run=True)


def _fill(request: Request, schedule_id: UUID, span: dict[str, Any]) -> HttpResponse:
    done: list[Backfill] = []

    def work(connection: Any) -> UUID:
        done.append(services.schedule_backfill(request.grant, connection, schedule_id, **span, dry_run=False))
        return schedule_id

    do_once(request, work)
    count = done[0].count if done else 0
    said = ngettext("%(n)d tick was filled in.", "%(n)d ticks were filled in.", count) % {"n": count}
    messages.success(request, said)
    return redirect("workflows:schedule", schedule_id)


def _done(request: Request, schedule_id: UUID, work: Any, said: str) -> HttpResponse:
    try:
        do_once(request, work)
        messages.success(request, said)
    except facade.StateError as refused:
        messages.error(request, str(refused))
    return redirect("workflows:schedule", schedule_id)
