"""Control of one run: pause, resume, give up, kill, restart, fork, change."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once
from highway_platform.kit.rest.router import requires

from .. import control, presenters
from ..control_schemas import ChangeBody, ForkBody, GiveUpBody, ReasonBody, ResumeBody
from .router import router

TAGS = ["workflows"]
RUN = "/workflows/{uuid:workflow_run_id}"


def _answer(request: Request, run_id: uuid.UUID, change: Callable[[Any], str], **more: Any) -> HttpResponse:
    """Do a change once and tell the status afterwards."""

    def work(connection: Any) -> Outcome:
        status = change(connection)
        return Outcome({"workflow_run_id": str(run_id), "status": status, **more}, run_id=run_id)

    return answer_once(request, work)


@router.post(f"{RUN}/pause", url_name="workflow-pause", tags=TAGS)
@requires("workflows.run:pause")
def pause(request: Request, workflow_run_id: uuid.UUID, body: ReasonBody | None = None) -> HttpResponse:
    """Pause a run, its branches and child runs. Steps under way finish first: then ``status`` becomes paused. Once is enough; 409 when it has ended."""
    reason = body.reason if body else ""
    return _answer(
        request,
        workflow_run_id,
        lambda connection: control.run_pause(request.grant, connection, workflow_run_id, reason),
        pause_requested=True,
    )


@router.post(f"{RUN}/resume", url_name="workflow-resume", tags=TAGS)
@requires("workflows.run:pause")
def resume(request: Request, workflow_run_id: uuid.UUID, body: ResumeBody | None = None) -> HttpResponse:
    """Let a paused run go on; steps whose attempts are spent get fresh ones, with other arguments if they are given. 409 when it is not paused."""
    given = body.given() if body else {}
    return _answer(
        request,
        workflow_run_id,
        lambda connection: control.run_resume(request.grant, connection, workflow_run_id, given),
    )


@router.post(f"{RUN}/give-up", url_name="workflow-give-up", tags=TAGS)
@requires("workflows.run:pause")
def give_up(request: Request, workflow_run_id: uuid.UUID, body: GiveUpBody) -> HttpResponse:
    """Fail a step whose attempts are spent and that waits for a person. 409 when it does not wait."""
    return _answer(
        request,
        workflow_run_id,
        lambda connection: control.step_give_up(request.grant, connection, workflow_run_id, body.step),
    )


@router.post(f"{RUN}/kill", url_name="workflow-kill", tags=TAGS)
@requires("workflows.run:kill")
def kill(request: Request, workflow_run_id: uuid.UUID, body: ReasonBody | None = None) -> HttpResponse:
    """End a run at once with all that belongs to it, without waiting for its worker; 409 when it has ended already."""
    reason = body.reason if body else ""
    return _answer(
        request,
        workflow_run_id,
        lambda connection: control.run_kill(request.grant, connection, workflow_run_id, reason),
    )


@router.post(f"{RUN}/restart", url_name="workflow-restart", tags=TAGS)
@requires("workflows.run:submit")
def restart(request: Request, workflow_run_id: uuid.UUID, body: ReasonBody | None = None) -> HttpResponse:
    """Let a failed or cancelled run go on in place, from its failed step; what succeeded stays. 409 for any other run."""
    reason = body.reason if body else ""
    return _answer(
        request,
        workflow_run_id,
        lambda connection: control.run_restart(request.grant, connection, workflow_run_id, reason),
    )


@router.post(f"{RUN}/fork", url_name="workflow-fork", tags=TAGS)
@requires("workflows.run:submit")
def fork(request: Request, workflow_run_id: uuid.UUID, body: ForkBody) -> HttpResponse:
    """Start a run that has done what this one had done before a step, and goes on from there, with other inputs if they are given."""

    def work(connection: Any) -> Outcome:
        started = control.run_fork(request.grant, connection, workflow_run_id, body.from_step, body.inputs)
        data = {
            **presenters.submitted(started),
            "fork_of": str(workflow_run_id),
            "fork_step": body.from_step,
        }
        return Outcome(data, HTTPStatus.CREATED, started.workflow_run_id)

    return answer_once(request, work)


@router.patch(RUN, url_name="workflow-change", tags=TAGS)
@requires("workflows.run:change")
def change(request: Request, workflow_run_id: uuid.UUID, body: ChangeBody) -> HttpResponse:
    """Change the priority of an open run, or the start of one that has not started; 409 when it is too late."""

    def work(connection: Any) -> Outcome:
        data: dict[str, Any] = {"workflow_run_id": str(workflow_run_id)}
        if body.start_at is not None or body.delay_seconds is not None:
            data["status"] = control.start_change(
                request.grant, connection, workflow_run_id, at=body.start_at, delay_seconds=body.delay_seconds
            )
        if body.priority is not None:
            control.priority_set(request.grant, connection, workflow_run_id, body.priority)
            data["priority"] = body.priority
        return Outcome(data, run_id=workflow_run_id)

    return answer_once(request, work)
