"""The form of a schedule: a new one, or a change; with its next times beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from engine import facade
from engine.model.schedules import ScheduleSpec
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import schedule_services as services
from workflows.pages.schedules import Draft, load_draft, load_schedule, workflow_names
from workflows.schedule_forms import ScheduleForm, initial_of
from workflows.views.fragments import as_fragment
from workflows.views.once import do_once

Save = Callable[[Any, ScheduleSpec], UUID]


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.schedule:write")
def schedule_new(request: Request) -> HttpResponse:
    """Make a schedule."""
    name = request.GET.get("workflow", "")
    if request.method != "POST":
        form = ScheduleForm(initial={"workflow_name": name, "name": name})
        return _page(request, form, Draft(), title=_("New schedule"))

    def save(connection: Any, spec: ScheduleSpec) -> UUID:
        return services.schedule_create(request.grant, connection, spec).schedule_id

    return _save(request, ScheduleForm(request.POST), save, title=_("New schedule"), said=_("The schedule is active."))


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.schedule:write")
def schedule_edit(request: Request, schedule_id: UUID) -> HttpResponse:
    """Change a schedule."""
    found = load_schedule(request.grant, schedule_id)
    title = _("Change %(name)s") % {"name": found.spec.name}
    if request.method != "POST":
        form = ScheduleForm(initial=initial_of(found.spec))
        return _page(request, form, load_draft(request.grant, found.spec), title=title, schedule_id=schedule_id)

    def save(connection: Any, spec: ScheduleSpec) -> UUID:
        is_same = spec.workflow_name == found.spec.workflow_name  # then it stays pinned, if it is
        hidden = {"catchup_seconds"} | ({"definition_id"} if is_same else set())
        changes = {name: value for name, value in asdict(spec).items() if name not in hidden}
        return services.schedule_update(request.grant, connection, schedule_id, changes).schedule_id

    form = ScheduleForm(request.POST)
    return _save(request, form, save, title=title, said=_("The schedule was changed."), schedule_id=schedule_id)


@require_POST
@screen("workflows.schedule:write")
def schedule_times(request: Request) -> HttpResponse:
    """The next times of what is in the form. Stores nothing."""
    draft = _draft(request, ScheduleForm(request.POST))
    return as_fragment(render(request, "pages/workflows/schedule_form.html#times", {"draft": draft}))


def _save(request: Request, form: ScheduleForm, save: Save, *, said: str, **page: Any) -> HttpResponse:
    if "check" in request.POST or not form.is_valid():
        draft = _draft(request, form)
        return _page(request, form, draft, status=200 if form.is_valid() else 422, **page)
    try:
        schedule_id = do_once(request, lambda connection: save(connection, form.spec()))
    except facade.ScheduleRefusedError as refused:
        form.refuse(refused)
    except facade.StateError as taken:
        form.add_error("name", str(taken))
    else:
        messages.success(request, said)
        return redirect("workflows:schedule", schedule_id)
    return _page(request, form, Draft(), status=422, **page)


def _draft(request: Request, form: ScheduleForm) -> Draft:
    """The times as far as the form can be read: its other fields may still be empty."""
    form.is_valid()
    known: dict[str, Any] = {
        "name": "draft",
        "workflow_name": "draft",
        "inputs": {},
        "starts_at": None,
        "ends_at": None,
    }
    try:
        form.cleaned_data = {**form.cleaned_data, **{k: v for k, v in known.items() if not form.cleaned_data.get(k)}}
        return load_draft(request.grant, form.spec())
    except facade.ScheduleRefusedError as refused:
        return Draft(problem=refused.problems[0].message)
    except (KeyError, TypeError):  # a field that a spec needs was refused by the form itself
        return Draft()


def _page(request: Request, form: ScheduleForm, draft: Draft, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "area": "schedules",
        "form": form,
        "draft": draft,
        "names": workflow_names(request.grant),
        "key": request.POST.get("key") or uuid7(),
        **more,
    }
    return render(request, "pages/workflows/schedule_form.html", context, status=status)
