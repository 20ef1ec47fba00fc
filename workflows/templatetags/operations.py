"""Breakers, letters, limits and workers in words, states and bars."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine.model.breakers import BY_HAND
from engine.model.flow import LimitView
from engine.model.insight import FleetWorker
from engine.model.upkeep import BreakerView, DeadLetter
from highway_platform.templatetags.when import NOTHING
from workflows.pages.breakers import STATE_WORDS, breaker_url, scope_of
from workflows.pages.letters import cause_of, reason_word
from workflows.pages.limits import meter_of
from workflows.pages.runs import capped
from workflows.pages.workers import STATES

BREAKER_STATES = {"open": "failed", "half_open": "retrying", "closed": "succeeded"}

register = template.Library()
register.filter("scope", scope_of)
register.filter("cause", cause_of)
register.filter("reason_word", reason_word)
register.filter("capped", capped)


@register.inclusion_tag("components/meter/meter.html")
def meter(used: int, capacity: int) -> dict[str, Any]:
    """How much of something is in use: a bar with its figures beside it."""
    return meter_of(used, capacity)


@register.filter
def breaker_state(state: str) -> str:
    """The visual state of a breaker's state."""
    return BREAKER_STATES.get(state, state)


@register.filter
def breaker_word(state: str) -> str:
    """The word for it."""
    return str(STATE_WORDS.get(state, state))


@register.simple_tag
def breaker_page(breaker: BreakerView) -> str:
    """The address of its page."""
    return breaker_url(breaker.resource_key, breaker.workflow_name)


@register.filter
def breaker_why(breaker: BreakerView) -> str:
    """Why it is as it is: who opened it and what for, or how often it failed and the last error."""
    error = breaker.last_error or {}
    message = str(error.get("message") or error.get("type") or "")
    if breaker.state != "closed" and error.get("kind") == BY_HAND:
        return _("Opened by %(who)s: %(why)s") % {"who": error.get("by") or NOTHING, "why": message}
    failures = ngettext("%(n)d failure in a row", "%(n)d failures in a row", breaker.consecutive_failures)
    counted = failures % {"n": breaker.consecutive_failures}
    if not breaker.consecutive_failures:
        return _("Last error: %(message)s") % {"message": message} if message else ""
    return f"{counted}: {message}" if message else counted


@register.filter
def error_name(letter: DeadLetter) -> str:
    """What kind of error it was."""
    return str(letter.error.get("type") or letter.error.get("kind") or letter.reason)


@register.filter
def letter_what(letter: DeadLetter) -> str:
    """What it was about: its workflow, or what never started."""
    return letter.workflow_name or str(letter.request.get("workflow_name") or letter.request.get("schedule") or NOTHING)


@register.filter
def limit_figures(limit: LimitView) -> str:
    """What a limit allows."""
    if limit.per_seconds is None:
        return _("%(n)s at a time") % {"n": f"{limit.capacity:,}"}
    return _("%(n)s in %(seconds)s s") % {"n": f"{limit.capacity:,}", "seconds": f"{limit.per_seconds:g}"}


@register.filter
def limit_kind(kind: str) -> str:
    """The kind of a limit."""
    return {"concurrency": _("Concurrency"), "rate": _("Rate"), "throttle": _("Throttle")}.get(kind, kind)


@register.filter
def worker_state(worker: FleetWorker | str) -> str:
    """The visual state of a worker or of its status."""
    return STATES.get(worker if isinstance(worker, str) else worker.status, "skipped")


@register.filter
def worker_word(status: str) -> str:
    """The word for it."""
    words = {"online": _("Online"), "paused": _("Paused"), "draining": _("Draining"), "offline": _("Offline")}
    return words.get(status, status)
