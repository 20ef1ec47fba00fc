"""Queues: the list, one of them, and pause, resume, drain and cap for the tenant's own tasks in it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import flow
from workflows.flow_schemas import QueueBody
from workflows.operation_forms import QueueCapForm
from workflows.pages.queues import QueuePage, load_queue, load_queues
from workflows.views.asking import Question, ask, reason_of
from workflows.views.changing import change
from workflows.views.fragments import as_fragment, unchanged

AREA = "queues"


@require_safe
@screen("workflows.queue:read")
def queue_list(request: Request) -> HttpResponse:
    """Queues by name: what waits, for how long, what runs, who serves them."""
    context = {"area": AREA, "page": load_queues(request.grant)}
    return render(request, "pages/workflows/queues.html", context)


@require_safe
@screen("workflows.queue:read")
def queue_list_live(request: Request) -> HttpResponse:
    """The changing part of the list."""
    page = load_queues(request.grant)
    return unchanged(request, page.tag) or as_fragment(
        render(request, "pages/workflows/queues.html#live", {"page": page}), page.tag
    )


@require_safe
@screen("workflows.queue:read")
def queue_detail(request: Request, queue_name: str) -> HttpResponse:
    """One queue with its tasks and its workers."""
    page = load_queue(request.grant, queue_name)
    form = QueueCapForm(initial={"max_running": page.line.queue.max_running})
    return render(request, "pages/workflows/queue.html", _context(request, page) | {"form": form})


@require_safe
@screen("workflows.queue:read")
def queue_live(request: Request, queue_name: str) -> HttpResponse:
    """The changing part of its page."""
    page = load_queue(request.grant, queue_name)
    return unchanged(request, page.tag) or as_fragment(
        render(request, "pages/workflows/queue.html#live", _context(request, page)), page.tag
    )


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.queue:manage")
def queue_pause(request: Request, queue_name: str) -> HttpResponse:
    """Ask why; then let none of the tenant's tasks begin there."""
    reason = reason_of(request)
    if request.method == "POST" and reason:
        return _changed(request, queue_name, _("The queue is paused."), paused=True, reason=reason)
    error = _("Say why: others will want to know.") if request.method == "POST" else ""
    text = _("No task of this tenant begins there until it is resumed: they stay pending. What runs goes on.")
    question = Question(
        area=AREA,
        title=_("Pause this queue?"),
        text=text,
        button=_("Pause the queue"),
        crumbs=_crumbs(request, queue_name),
        back=_where(queue_name),
        reason=_("Shown on the page of the queue and to every run that waits for it."),
    )
    return ask(request, question, error=error)


@require_POST
@screen("workflows.queue:manage")
def queue_resume(request: Request, queue_name: str) -> HttpResponse:
    """Let tasks begin again."""
    return _changed(request, queue_name, _("The queue goes on."), paused=False)


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.queue:manage")
def queue_drain(request: Request, queue_name: str) -> HttpResponse:
    """Say what draining does; then take no new runs."""
    if request.method == "POST":
        return _changed(request, queue_name, _("The queue takes no new runs."), draining=True)
    question = Question(
        area=AREA,
        title=_("Drain this queue?"),
        text=_(
            "New runs for it are refused, schedules that would start some miss their tick. What is in it is finished."
        ),
        button=_("Drain the queue"),
        crumbs=_crumbs(request, queue_name),
        back=_where(queue_name),
    )
    return ask(request, question)


@require_POST
@screen("workflows.queue:manage")
def queue_fill(request: Request, queue_name: str) -> HttpResponse:
    """End the draining."""
    return _changed(request, queue_name, _("The queue takes new runs again."), draining=False)


@require_POST
@screen("workflows.queue:manage")
def queue_cap(request: Request, queue_name: str) -> HttpResponse:
    """Bound how many of the tenant's tasks it executes at a time, or take the bound away."""
    form = QueueCapForm(request.POST)
    if not form.is_valid():
        context = _context(request, load_queue(request.grant, queue_name)) | {"form": form}
        return render(request, "pages/workflows/queue.html", context, status=422)
    cap = form.cleaned_data["max_running"]
    said = _("The queue has no cap any more.") if cap is None else _("The cap was set.")
    return _changed(request, queue_name, said, max_running=cap)


def _changed(request: Request, name: str, said: str, **changes: Any) -> HttpResponse:
    """Only what is named changes."""
    body = QueueBody.model_validate(changes)

    def work(connection: Any) -> None:
        flow.queue_change(request.grant, connection, name, body)

    return change(request, _where(name), work, said)


def _where(name: str) -> str:
    return reverse("workflows:queue", args=[name])


def _crumbs(request: Request, name: str) -> list[tuple[str, str]]:
    """The way to the queue, which must be there."""
    load_queue(request.grant, name)
    return [(_("Queues"), reverse("workflows:queue-list")), (name, _where(name))]


def _context(request: Request, page: QueuePage) -> dict[str, Any]:
    return {
        "area": AREA,
        "page": page,
        "queue": page.line.queue,
        "may_manage": request.grant.permits(flow.MANAGE_QUEUE),
        "key": uuid7(),
    }
