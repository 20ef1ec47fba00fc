"""The page that asks before something is done: what it does, why it is wanted, and a way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Question:
    """What the page says. ``crumbs`` are pairs of label and address; ``items`` are what it is about, where that is more than one thing.

    ``reason`` asks for one, and says where it is shown; ``hidden`` travels with the answer.
    """

    area: str
    title: str
    text: str
    button: str
    back: str
    crumbs: Sequence[tuple[str, str]] = ()
    is_danger: bool = False
    reason: str = ""
    items: Sequence[str] = ()
    hidden: Sequence[tuple[str, str]] = field(default_factory=tuple)
    keep: str = ""
    action: str = ""

    @property
    def way_back(self) -> str:
        """What the link says that changes nothing."""
        return self.keep or _("Back")


def ask(request: Request, question: Question, *, error: str = "") -> HttpResponse:
    """Show the page; with an error, what was written there stays."""
    context = {
        "area": question.area,
        "question": question,
        "error": error,
        "reason": request.POST.get("reason", ""),
        "key": request.POST.get("key") or uuid7(),
    }
    return render(request, "pages/workflows/question.html", context, status=422 if error else 200)


def reason_of(request: Request) -> str:
    """The reason that was given, '' when there was none."""
    return request.POST.get("reason", "").strip()[:REASON_LENGTH]


def sentence(refusal: Exception) -> str:
    """What the engine says, as a sentence."""
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
