"""What can be done to a run from its page. Each works without scripts: a form, and a page to come back to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from engine import facade
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import services
from workflows.pages.run import load_run
from workflows.views.once import do_once


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.run:cancel")
def run_cancel(request: Request, run_id: UUID) -> HttpResponse:
    """Say what cancelling does and ask for a reason; then do it."""
    if request.method != "POST":
        context = {"area": "runs", "run": load_run(request.grant, run_id), "key": uuid7()}
        return render(request, "pages/workflows/run_cancel.html", context)

    def work(connection: Any) -> UUID:
        services.run_cancel(request.grant, connection, run_id, request.POST.get("reason", "").strip())
        return run_id

    try:
        do_once(request, work)
        messages.success(request, _("The run was asked to stop."))
    except facade.StateError:
        messages.error(request, _("The run has ended already; there was nothing to stop."))
    return redirect("workflows:run", run_id)


@require_POST
@screen("workflows.run:submit")
def run_retry(request: Request, run_id: UUID) -> HttpResponse:
    """Start the same definition with the same inputs again, as a run of its own."""

    def work(connection: Any) -> UUID:
        return services.run_retry(request.grant, connection, run_id).workflow_run_id

    try:
        started = do_once(request, work)
    except facade.StateError:
        messages.error(request, _("The run is still open, or its queue takes no new runs."))
        return redirect("workflows:run", run_id)
    except facade.BacklogFullError as refused:
        messages.error(request, str(refused))
        return redirect("workflows:run", run_id)
    messages.success(request, _("Started again, as the run that this page shows."))
    return redirect("workflows:run", started)
