"""Circuit breakers: the list, one of them, and opening, closing and resetting them by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engine.model.upkeep import BreakerView
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import upkeep
from workflows.operation_forms import MINUTE, OpenBreakerForm
from workflows.pages.breakers import breaker_tag, breaker_url, known_resources, load_breaker, load_breakers
from workflows.views.asking import Question, ask
from workflows.views.changing import change, change_and_tell
from workflows.views.fragments import as_fragment, unchanged
from workflows.views.once import say_once

AREA = "breakers"


@require_safe
@screen("workflows.guard:read")
def breaker_list(request: Request) -> HttpResponse:
    """Breakers, the open ones first: why they are open and when they are tried again."""
    return render(request, "pages/workflows/breakers.html", _list_context(request))


@require_safe
@screen("workflows.guard:read")
def breaker_list_live(request: Request) -> HttpResponse:
    """The changing part of the list."""
    context = _list_context(request)
    tag = context["page"].tag
    return unchanged(request, tag) or as_fragment(render(request, "pages/workflows/breakers.html#live", context), tag)


@require_safe
@screen("workflows.guard:read")
def breaker_detail(request: Request, resource_key: str) -> HttpResponse:
    """One breaker; ``?workflow=`` names the workflow that it belongs to."""
    return render(request, "pages/workflows/breaker.html", _context(request, _asked(request, resource_key)))


@require_safe
@screen("workflows.guard:read")
def breaker_live(request: Request, resource_key: str) -> HttpResponse:
    """The changing part of its page."""
    breaker = _asked(request, resource_key)
    tag = breaker_tag(breaker)
    return unchanged(request, tag) or as_fragment(
        render(request, "pages/workflows/breaker.html#live", _context(request, breaker)), tag
    )


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.guard:manage")
def breaker_open(request: Request) -> HttpResponse:
    """Ask what to isolate, for how long and why; then do it."""
    asked = {"resource": request.GET.get("resource", ""), "workflow": request.GET.get("workflow", "")}
    form = OpenBreakerForm(request.POST if request.method == "POST" else None, initial=asked)
    if request.method != "POST" or not form.is_valid():
        return _open_page(request, form)
    values = form.cleaned_data

    def work(connection: Any) -> str:
        upkeep.breaker_open(
            request.grant,
            connection,
            values["resource"],
            values["workflow"],
            seconds=values["minutes"] * MINUTE,
            reason=values["reason"],
        )
        return _("The breaker is open: nobody calls the resource.")

    messages.success(request, say_once(request, work))
    return redirect(breaker_url(values["resource"], values["workflow"]))


@require_POST
@screen("workflows.guard:manage")
def breaker_close(request: Request, resource_key: str) -> HttpResponse:
    """Let calls through again."""
    workflow = request.GET.get("workflow", "")

    def work(connection: Any) -> None:
        upkeep.breaker_close(request.grant, connection, resource_key, workflow)

    said = _("The breaker is closed: calls are made again within a second.")
    return change(request, breaker_url(resource_key, workflow), work, said)


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.guard:manage")
def breaker_reset(request: Request, resource_key: str) -> HttpResponse:
    """Say what resetting does; then do it."""
    if request.method != "POST":
        breaker = _asked(request, resource_key)
        where = breaker_url(breaker.resource_key, breaker.workflow_name)
        question = Question(
            area=AREA,
            title=_("Reset this circuit breaker?"),
            text=_("It is closed and taken off the list, with its last error, as if the resource had never failed."),
            button=_("Reset the breaker"),
            crumbs=[(_("Circuit breakers"), reverse("workflows:breaker-list")), (breaker.resource_key, where)],
            back=where,
            is_danger=True,
        )
        return ask(request, question)

    def work(connection: Any) -> None:
        upkeep.breaker_reset(request.grant, connection, resource_key, request.GET.get("workflow", ""))

    return change(request, reverse("workflows:breaker-list"), work, _("The breaker was reset."))


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.guard:manage")
def breaker_reset_all(request: Request) -> HttpResponse:
    """Say how many that would be; then reset them all."""
    where = reverse("workflows:breaker-list")
    if request.method != "POST":
        number = load_breakers(request.grant, "").total
        text = ngettext(
            "%(n)d breaker is closed and forgotten, as if its resource had never failed. Calls are made again within a second.",
            "%(n)d breakers are closed and forgotten, as if their resources had never failed. Calls are made again within a second.",
            number,
        )
        question = Question(
            area=AREA,
            title=_("Reset every circuit breaker?"),
            text=text % {"n": number},
            button=_("Reset them all"),
            crumbs=[(_("Circuit breakers"), where)],
            back=where,
            is_danger=True,
        )
        return ask(request, question)

    def work(connection: Any) -> str:
        number = upkeep.breaker_reset(request.grant, connection)
        return ngettext("%(n)d breaker was reset.", "%(n)d breakers were reset.", number) % {"n": number}

    return change_and_tell(request, where, work)


def _asked(request: Request, resource_key: str) -> BreakerView:
    return load_breaker(request.grant, resource_key, request.GET.get("workflow", ""))


def _list_context(request: Request) -> dict[str, Any]:
    return {
        "area": AREA,
        "page": load_breakers(request.grant, request.GET.get("state", "")),
        "may_manage": request.grant.permits(upkeep.MANAGE_GUARDS),
    }


def _context(request: Request, breaker: BreakerView) -> dict[str, Any]:
    place = (breaker.resource_key, breaker.workflow_name)
    return {
        "area": AREA,
        "breaker": breaker,
        "tag": breaker_tag(breaker),
        "live_url": breaker_url(*place, "breaker-live"),
        "close_url": breaker_url(*place, "breaker-close"),
        "reset_url": breaker_url(*place, "breaker-reset"),
        "open_query": urlencode({"resource": breaker.resource_key, "workflow": breaker.workflow_name}),
        "may_manage": request.grant.permits(upkeep.MANAGE_GUARDS),
        "key": uuid7(),
    }


def _open_page(request: Request, form: OpenBreakerForm) -> HttpResponse:
    context = {
        "area": AREA,
        "form": form,
        "names": known_resources(request.grant),
        "key": request.POST.get("key") or uuid7(),
    }
    return render(request, "pages/workflows/breaker_open.html", context, status=422 if form.errors else 200)
