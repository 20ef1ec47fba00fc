"""Starting a run from a source text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engine import facade
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import services
from workflows.forms import StartForm
from workflows.pages.start import Check, check, load_initial, template_initial
from workflows.views.fragments import as_fragment
from workflows.views.once import do_once


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.run:submit")
def run_start(request: Request) -> HttpResponse:
    """The editor; then the run that was started, or the editor again with what is wrong."""
    if request.method != "POST":
        form = StartForm(initial=_initial(request))
        return _page(request, form, Check())
    form = StartForm(request.POST)
    if not form.is_valid():
        return _page(request, form, Check(), status=422)
    found = check(form.cleaned_data["source"], form.cleaned_data["source_format"])
    if found.checked is None:
        return _page(request, form, found, status=422)
    if "check" in request.POST:
        return _page(request, form, found)
    try:
        return redirect("workflows:run", _start(request, form, found))
    except (facade.StateError, facade.InvalidError, facade.BacklogFullError) as refused:
        form.add_error(None, str(refused))
        return _page(request, form, found, status=429 if isinstance(refused, facade.BacklogFullError) else 409)


@require_POST
@screen("workflows.run:submit")
def start_check(request: Request) -> HttpResponse:
    """What is wrong with the source in the editor, and the graph when nothing is. Stores nothing."""
    form = StartForm(request.POST)
    form.is_valid()  # the other fields are checked when the run is started
    source, language = form.cleaned_data.get("source"), form.cleaned_data.get("source_format")
    found = check(source, language) if source and language else Check()
    return as_fragment(render(request, "pages/workflows/start.html#checked", {"check": found, "is_answer": True}))


def _initial(request: Request) -> dict[str, Any] | None:
    """The form filled with a template of the gallery, or with the newest definition of a workflow."""
    if template := request.GET.get("template", ""):
        return template_initial(template)
    name = request.GET.get("workflow", "")
    return load_initial(request.grant, name) if name else None


def _start(request: Request, form: StartForm, found: Check) -> UUID:
    options = services.StartOptions(
        inputs=form.cleaned_data["inputs"],
        queue=form.cleaned_data["queue"],
        tags=form.cleaned_data["tags"],
        trigger="web",
    )

    def work(connection: Any) -> UUID:
        assert found.checked is not None  # noqa: S101 - the caller has looked
        definition = services.definition_register(request.grant, connection, found.checked)
        return services.run_start(request.grant, connection, definition.definition_id, options).workflow_run_id

    return do_once(request, work)


def _page(request: Request, form: StartForm, found: Check, *, status: int = 200) -> HttpResponse:
    context = {"area": "runs", "form": form, "check": found, "key": request.POST.get("key") or uuid7()}
    return render(request, "pages/workflows/start.html", context, status=status)
