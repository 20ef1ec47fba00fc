"""Dead letters: the list, one of them, and trying again or deleting, one by one or many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows import upkeep
from workflows.letter_services import letters_purge, letters_requeue
from workflows.pages.letters import (
    PAGE_SIZE,
    REASONS,
    STATES,
    cause_of,
    count_letters,
    filter_of,
    load_chosen,
    load_letter,
    load_letters,
)
from workflows.views.asking import Question, ask
from workflows.views.changing import change, change_and_tell

AREA = "letters"


@require_safe
@screen("workflows.letter:read")
def letter_list(request: Request) -> HttpResponse:
    """Letters, newest first, by what went wrong."""
    context = {
        "area": AREA,
        "page": load_letters(request.grant, request.GET),
        "states": STATES,
        "reasons": REASONS.items(),
        "may_manage": request.grant.permits(upkeep.MANAGE_LETTERS),
        "key": uuid7(),
    }
    return render(request, "pages/workflows/letters.html", context)


@require_safe
@screen("workflows.letter:read")
def letter_detail(request: Request, dead_letter_id: UUID) -> HttpResponse:
    """One letter: the error, what should have happened, and what became of it."""
    context = {
        "area": AREA,
        "letter": load_letter(request.grant, dead_letter_id),
        "may_manage": request.grant.permits(upkeep.MANAGE_LETTERS),
        "key": uuid7(),
    }
    return render(request, "pages/workflows/letter.html", context)


@require_POST
@screen("workflows.letter:manage")
def letter_requeue(request: Request, dead_letter_id: UUID) -> HttpResponse:
    """Try again, as a new run; a letter that was requeued before keeps the run that it has."""

    def work(connection: Any) -> None:
        upkeep.letter_requeue(request.grant, connection, dead_letter_id)

    where = reverse("workflows:letter", args=[dead_letter_id])
    return change(request, where, work, _("Requeued: it is tried again as a new run."))


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.letter:manage")
def letter_purge(request: Request, dead_letter_id: UUID) -> HttpResponse:
    """Say what purging does; then do it."""
    if request.method != "POST":
        letter = load_letter(request.grant, dead_letter_id)
        where = reverse("workflows:letter", args=[dead_letter_id])
        question = Question(
            area=AREA,
            title=_("Purge this dead letter?"),
            text=_("The letter is deleted for ever and cannot be requeued any more. Its run stays."),
            button=_("Purge the letter"),
            crumbs=[(_("Dead letters"), reverse("workflows:letter-list")), (cause_of(letter)[:80], where)],
            back=where,
            is_danger=True,
            items=[cause_of(letter)],
        )
        return ask(request, question)

    def work(connection: Any) -> None:
        upkeep.letter_purge(request.grant, connection, dead_letter_id)

    return change(request, reverse("workflows:letter-list"), work, _("The letter was purged. Its run is still there."))


@require_POST
@screen("workflows.letter:manage")
def letters_selected(request: Request) -> HttpResponse:
    """Requeue or purge the letters that were ticked; a purge asks first."""
    where = reverse("workflows:letter-list")
    chosen = _ticked(request)
    if not chosen:
        messages.error(request, _("Nothing was done: tick the letters first."))
        return redirect(where)
    if request.POST.get("do") != "purge":
        return change_and_tell(request, where, lambda connection: letters_requeue(request.grant, connection, chosen))
    if "confirmed" in request.POST:
        return change_and_tell(request, where, lambda connection: letters_purge(request.grant, connection, chosen))
    return _ask_to_purge(request, chosen)


@require_http_methods(["GET", "HEAD", "POST"])
@screen("workflows.letter:manage")
def letters_purge_all(request: Request) -> HttpResponse:
    """Count what the filter of the address finds; then purge it."""
    where, chosen = reverse("workflows:letter-list"), filter_of(request.GET)
    if request.method != "POST":
        number = count_letters(request.grant, chosen)
        text = ngettext(
            "%(n)s letter is deleted for ever, of all pages of the list. Its run stays.",
            "%(n)s letters are deleted for ever, of all pages of the list. Their runs stay.",
            number,
        )
        question = Question(
            area=AREA,
            title=_("Purge every letter that the list shows?"),
            text=text % {"n": f"{number:,}"},
            button=ngettext("Purge %(n)s letter", "Purge %(n)s letters", number) % {"n": f"{number:,}"},
            crumbs=[(_("Dead letters"), where)],
            back=f"{where}?{request.GET.urlencode()}",
            is_danger=True,
        )
        return ask(request, question)

    def work(connection: Any) -> str:
        number = upkeep.letter_purge_many(request.grant, connection, chosen, dry_run=False)
        return ngettext("%(n)d letter was purged.", "%(n)d letters were purged.", number) % {"n": number}

    return change_and_tell(request, where, work)


def _ticked(request: Request) -> list[UUID]:
    ids = []
    for text in request.POST.getlist("letter")[:PAGE_SIZE]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue  # not from our page
    return ids


def _ask_to_purge(request: Request, chosen: list[UUID]) -> HttpResponse:
    where = reverse("workflows:letter-list")
    letters = load_chosen(request.grant, filter_of(request.POST), chosen)
    number = len(letters)
    text = ngettext(
        "This letter is deleted for ever and cannot be requeued any more. Its run stays.",
        "These letters are deleted for ever and cannot be requeued any more. Their runs stay.",
        number,
    )
    question = Question(
        area=AREA,
        title=ngettext("Purge %(n)d dead letter?", "Purge %(n)d dead letters?", number) % {"n": number},
        text=text,
        button=ngettext("Purge %(n)d letter", "Purge %(n)d letters", number) % {"n": number},
        crumbs=[(_("Dead letters"), where)],
        back=where,
        is_danger=True,
        items=[cause_of(letter) for letter in letters],
        hidden=[
            ("do", "purge"),
            ("confirmed", "1"),
            *(("letter", str(letter.dead_letter_id)) for letter in letters),
        ],
        action=reverse("workflows:letters-selected"),
    )
    return ask(request, question)
