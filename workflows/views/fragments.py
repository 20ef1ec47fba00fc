"""Answers to polls: nothing when nothing changed."""

from __future__ import annotations

from django.http import HttpResponse

from highway_platform.kit.requests import Request

HEADER = "HX-PTag"


def unchanged(request: Request, tag: str) -> HttpResponse | None:
    """304 for a page that holds this tag already; None when there is something to render."""
    if request.headers.get(HEADER) != tag:
        return None
    return as_fragment(HttpResponse(status=304), tag)


def as_fragment(response: HttpResponse, tag: str = "") -> HttpResponse:
    """Mark an answer as a part of a page: not to be kept by anybody, and with the tag that the next poll sends back."""
    response["Cache-Control"] = "private, no-store"
    if tag:
        response[HEADER] = tag
    return response
