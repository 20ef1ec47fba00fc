"""Control of a run from its page: pause, resume, give a step up, kill, restart, fork. Each works without scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from workflows import control
from workflows.pages.run import load_run
from workflows.views.asking import sentence
from workflows.views.changing import REFUSALS
from workflows.views.once import do_once


def _change(request: Request, run_id: UUID, change: Callable[[Any], object], done: str) -> HttpResponse:
    """Do a change once and go back to the run, with what was done or why it could not be."""

    def work(connection: Any) -> UUID:
        change(connection)
        return run_id

    try:
        do_once(request, work)
        messages.success(request, done)
    except REFUSALS as refusal:
        messages.error(request, sentence(refusal))
    return redirect("workflows:run", run_id)


@require_POST
@screen("workflows.run:pause")
def run_pause(request: Request, run_id: UUID) -> HttpResponse:
    """Pause a run."""
    done = _("The run pauses: steps under way finish, nothing new begins.")
    return _change(request, run_id, lambda connection: control.run_pause(request.grant, connection, run_id), done)


@require_POST
@screen("workflows.run:pause")
def run_resume(request: Request, run_id: UUID) -> HttpResponse:
    """Let a paused run go on; steps whose attempts are spent are tried again."""
    done = _("The run goes on.")
    return _change(request, run_id, lambda connection: control.run_resume(request.grant, connection, run_id), done)


@require_POST
@screen("workflows.run:pause")
def run_give_up(request: Request, run_id: UUID) -> HttpResponse:
    """Fail a step that waits for a person."""
    step = request.POST.get("step", "")
    done = _("The step was given up: it counts as failed.")
    return _change(
        request, run_id, lambda connection: control.step_give_up(request.grant, connection, run_id, step), done
    )


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.run:kill")
def run_kill(request: Request, run_id: UUID) -> HttpResponse:
    """Say what killing does and ask for a reason; then do it."""
    if request.method != "POST":
        context = {"area": "runs", "run": load_run(request.grant, run_id), "key": uuid7()}
        return render(request, "pages/workflows/run_kill.html", context)
    reason = request.POST.get("reason", "").strip()
    done = _("The run was killed.")
    return _change(
        request, run_id, lambda connection: control.run_kill(request.grant, connection, run_id, reason), done
    )


@require_POST
@screen("workflows.run:submit")
def run_restart(request: Request, run_id: UUID) -> HttpResponse:
    """Let a run that failed or was stopped go on in place."""
    done = _("The run goes on from its failed step.")
    return _change(request, run_id, lambda connection: control.run_restart(request.grant, connection, run_id), done)


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.run:submit")
def run_fork(request: Request, run_id: UUID) -> HttpResponse:
    """Ask from which step and with what inputs; then start the fork and show it."""
    run = load_run(request.grant, run_id)
    step = request.POST.get("step", request.GET.get("step", ""))
    inputs = request.POST.get("inputs", json.dumps(run.inputs, indent=2, ensure_ascii=False))
    context = {"area": "runs", "run": run, "step": step, "inputs": inputs, "key": uuid7()}
    if request.method != "POST":
        return render(request, "pages/workflows/run_fork.html", context)

    def work(connection: Any) -> UUID:
        return control.run_fork(request.grant, connection, run_id, step, _object(inputs)).workflow_run_id

    try:
        forked = do_once(request, work)
    except REFUSALS as refusal:
        return render(request, "pages/workflows/run_fork.html", context | {"problem": sentence(refusal)}, status=422)
    messages.success(request, _("Forked, as the run that this page shows."))
    return redirect("workflows:run", forked)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise facade.InvalidError(f"the inputs are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise facade.InvalidError("the inputs must be a JSON object")
    return value
