"""Editing the arguments of steps whose attempts are spent, and letting the run go on with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from engine import facade
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import control
from workflows.pages.arguments import StepEdit, load_edits
from workflows.views.asking import sentence
from workflows.views.once import say_once


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.run:pause")
def run_arguments(request: Request, run_id: UUID) -> HttpResponse:
    """Show what failed and with what; then try again with what was written. What the tool refuses stands at its step."""
    written = {name: str(value) for name, value in request.POST.items()}
    run, edits = load_edits(request.grant, run_id, written)
    context: dict[str, Any] = {"area": "runs", "run": run, "edits": edits, "key": request.POST.get("key") or uuid7()}
    if request.method != "POST":
        return render(request, "pages/workflows/run_arguments.html", context)
    step_inputs = {edit.step.path: given for edit in edits if (given := edit.read()) is not None}
    if not any(edit.is_wrong for edit in edits):
        try:
            messages.success(request, _resume(request, run_id, step_inputs))
            return redirect("workflows:run", run_id)
        except facade.StateError as refusal:
            messages.error(request, sentence(refusal))
            return redirect("workflows:run", run_id)
        except facade.InvalidError as refusal:
            context["problem"] = _placed(refusal, edits)
    return render(request, "pages/workflows/run_arguments.html", context, status=422)


def _resume(request: Request, run_id: UUID, step_inputs: dict[str, Any]) -> str:
    def work(connection: Any) -> str:
        control.run_resume(request.grant, connection, run_id, step_inputs)
        return _("The run goes on with the new arguments.") if step_inputs else _("The run goes on.")

    return say_once(request, work)


def _placed(refusal: facade.InvalidError, edits: list[StepEdit]) -> str:
    """The refusal at its step; the sentence for the top of the page where it belongs to none."""
    if isinstance(refusal, facade.StepInputError):
        for edit in edits:
            if edit.step.path == refusal.path:
                edit.error = refusal.why
                return ""
    return sentence(refusal)
