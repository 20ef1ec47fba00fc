"""A change that a button asks for: done once, told on the page that comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from engine import facade
from highway_platform.kit.requests import Request
from workflows.views.asking import sentence
from workflows.views.once import say_once

REFUSALS = (facade.StateError, facade.InvalidError, facade.NotAllowedError, facade.BacklogFullError, facade.BusyError)


def change(request: Request, where: str, work: Callable[[Any], object], said: str) -> HttpResponse:
    """Do the work once, go to ``where``, and say there what was done or why it could not be."""

    def told(connection: Any) -> str:
        work(connection)
        return said

    return change_and_tell(request, where, told)


def change_and_tell(request: Request, where: str, work: Callable[[Any], str]) -> HttpResponse:
    """The same for work that finds the words itself."""
    try:
        messages.success(request, say_once(request, work))
    except REFUSALS as refusal:
        messages.error(request, sentence(refusal))
    return redirect(where)
