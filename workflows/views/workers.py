"""Workers: the fleet, one of it, and what an operator of the platform tells it to do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engine.model.insight import FleetWorker
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows.fleet import services
from workflows.fleet.schemas import CapacityBody
from workflows.operation_forms import CapacityForm
from workflows.pages.workers import load_worker, load_workers, worker_tag
from workflows.views.asking import Question, ask, reason_of
from workflows.views.changing import change
from workflows.views.fragments import as_fragment, unchanged

AREA = "workers"


@require_safe
@screen("workflows.worker:read")
def worker_list(request: Request) -> HttpResponse:
    """Workers by name: what they serve, how busy they are, when they were last heard of."""
    page = load_workers(request.grant, request.GET.get("status", ""))
    return render(request, "pages/workflows/workers.html", {"area": AREA, "page": page})


@require_safe
@screen("workflows.worker:read")
def worker_list_live(request: Request) -> HttpResponse:
    """The changing part of the list."""
    page = load_workers(request.grant, request.GET.get("status", ""))
    return unchanged(request, page.tag) or as_fragment(
        render(request, "pages/workflows/workers.html#live", {"page": page}), page.tag
    )


@require_safe
@screen("workflows.worker:read")
def worker_detail(request: Request, worker_id: UUID) -> HttpResponse:
    """One worker."""
    return _page(request, load_worker(request.grant, worker_id))


@require_safe
@screen("workflows.worker:read")
def worker_live(request: Request, worker_id: UUID) -> HttpResponse:
    """The changing part of its page."""
    worker = load_worker(request.grant, worker_id)
    tag = worker_tag(worker)
    return unchanged(request, tag) or as_fragment(
        render(request, "pages/workflows/worker.html#live", _context(request, worker)), tag
    )


@require_http_methods(["GET", "HEAD", "POST"])
@screen("platform.worker:manage")
def worker_pause(request: Request, worker_id: UUID) -> HttpResponse:
    """Ask why; then let it take nothing new."""
    reason = reason_of(request)
    if request.method == "POST" and reason:
        return _ordered(request, worker_id, "paused", _("The worker pauses with its next heartbeat."), reason)
    error = _("Say why: others will want to know.") if request.method == "POST" else ""
    question = Question(
        area=AREA,
        title=_("Pause this worker?"),
        text=_("It takes nothing new from its next heartbeat on, for any tenant; what it has goes on."),
        button=_("Pause the worker"),
        crumbs=_crumbs(request, worker_id),
        back=_where(worker_id),
        reason=_("Shown to everybody who looks at the worker."),
    )
    return ask(request, question, error=error)


@require_POST
@screen("platform.worker:manage")
def worker_resume(request: Request, worker_id: UUID) -> HttpResponse:
    """Let it take work again."""
    return _ordered(request, worker_id, "active", _("The worker takes work again."))


@require_http_methods(["GET", "HEAD", "POST"])
@screen("platform.worker:manage")
def worker_drain(request: Request, worker_id: UUID) -> HttpResponse:
    """Say what draining does; then let it leave."""
    if request.method == "POST":
        return _ordered(request, worker_id, "draining", _("The worker drains, and ends when it has nothing left."))
    question = Question(
        area=AREA,
        title=_("Drain this worker?"),
        text=_("It takes nothing new, finishes what it has, however long that takes, and its process ends."),
        button=_("Drain the worker"),
        crumbs=_crumbs(request, worker_id),
        back=_where(worker_id),
        is_danger=True,
    )
    return ask(request, question)


@require_http_methods(["GET", "HEAD", "POST"])
@screen("platform.worker:manage")
def worker_forget(request: Request, worker_id: UUID) -> HttpResponse:
    """Say what that does; then take a worker that is gone off the list."""
    if request.method != "POST":
        question = Question(
            area=AREA,
            title=_("Take this worker off the list?"),
            text=_("For a worker that is gone: its tasks are free for others at once, instead of after its lease."),
            button=_("Take it off the list"),
            crumbs=_crumbs(request, worker_id),
            back=_where(worker_id),
            is_danger=True,
        )
        return ask(request, question)

    def work(connection: Any) -> None:
        services.worker_forget(request.grant, connection, worker_id)

    return change(request, reverse("workflows:worker-list"), work, _("The worker is off the list."))


@require_POST
@screen("platform.worker:manage")
def worker_capacity(request: Request, worker_id: UUID) -> HttpResponse:
    """Change how much it holds and takes."""
    form = CapacityForm(request.POST)
    if not form.is_valid():
        return _page(request, load_worker(request.grant, worker_id), form, status=422)
    body = CapacityBody(**form.cleaned_data)

    def work(connection: Any) -> None:
        services.worker_limit(request.grant, connection, worker_id, body)

    return change(request, _where(worker_id), work, _("The worker heeds it from its next heartbeat on."))


def _ordered(request: Request, worker_id: UUID, state: str, said: str, reason: str = "") -> HttpResponse:
    def work(connection: Any) -> None:
        services.worker_order(request.grant, connection, worker_id, state, reason)

    return change(request, _where(worker_id), work, said)


def _where(worker_id: UUID) -> str:
    return reverse("workflows:worker", args=[worker_id])


def _crumbs(request: Request, worker_id: UUID) -> list[tuple[str, str]]:
    worker = load_worker(request.grant, worker_id)
    return [(_("Workers"), reverse("workflows:worker-list")), (worker.name, _where(worker_id))]


def _page(
    request: Request, worker: FleetWorker, form: CapacityForm | None = None, *, status: int = 200
) -> HttpResponse:
    initial = {"max_concurrent_tasks": worker.capacity, "batch_size": worker.batch}
    context = _context(request, worker) | {"form": form or CapacityForm(initial=initial)}
    return render(request, "pages/workflows/worker.html", context, status=status)


def _context(request: Request, worker: FleetWorker) -> dict[str, Any]:
    return {
        "area": AREA,
        "worker": worker,
        "tag": worker_tag(worker),
        "may_manage": request.grant.permits(services.MANAGE),
        "key": uuid7(),
    }
