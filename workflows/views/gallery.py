"""The gallery: templates to begin with."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from highway_platform.kit.edges import screen
from highway_platform.kit.requests import Request
from workflows.gallery import catalog
from workflows.gallery.catalog import Template
from workflows.graph.image import as_svg
from workflows.graph.read import read_graph
from workflows.services import SUBMIT

MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Card:
    """A template with its drawing."""

    template: Template
    svg: SafeString


@require_safe
@screen("workflows.definition:read")
def gallery(request: Request) -> HttpResponse:
    """Cards of the templates that fit the words and the tag that are asked for."""
    words, tag = request.GET.get("q", "")[:MAX_WORDS], request.GET.get("tag", "")[:MAX_WORDS]
    cards = [Card(each, as_svg(read_graph(each.definition), {})) for each in catalog.find(words, tag)]
    context = {
        "area": "templates",
        "cards": cards,
        "words": words,
        "tag": tag,
        "tags": catalog.tags(),
        "may_submit": request.grant.permits(SUBMIT),
    }
    return render(request, "pages/workflows/gallery.html", context)
