"""States of runs and steps as people see them: colour, shape and word, always together."""

from __future__ import annotations

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.words import run_state, state_word

register = template.Library()
register.filter("run_state", run_state)
register.filter("state_word", state_word)


@register.inclusion_tag("components/badge/badge.html")
def badge(state: str, label: str = "") -> dict[str, Any]:
    """The badge of a state."""
    return {"state": state, "label": label or state_word(state)}


@register.inclusion_tag("components/badge/badge.html")
def run_badge(status: str) -> dict[str, Any]:
    """The badge of a run by the engine's word for its state."""
    return {"state": run_state(status), "label": state_word(run_state(status))}


@register.simple_tag
def icon_of(status: str) -> str:
    """The icon of the browser's tab: a run's outcome can be seen without opening the tab."""
    known = {"completed": "succeeded", "failed": "failed", "cancelled": "cancelled"}
    return static(f"icon-{known[status]}.svg" if status in known else "icon-running.svg")


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """The shape of a state, for places where its word stands beside it."""
    return format_html('<svg width="16" height="16" aria-hidden="true"><use href="#s-{}"/></svg>', state)


@register.filter
def short_id(identifier: object) -> str:
    """An identifier shortened in its middle: runs of one hour begin alike, so the end tells them apart."""
    text = str(identifier)
    return f"{text[:8]}…{text[-6:]}"


@register.filter
def relation_word(relation: str) -> str:
    """How another run belongs to this one."""
    words = {
        "parent": _("Started by"),
        "child": _("Started"),
        "retry_of": _("Retry of"),
        "retry": _("Retried as"),
        "fork_of": _("Fork of"),
        "fork": _("Forked as"),
        "continued_from": _("Continues"),
        "continued_to": _("Continued as"),
    }
    return words.get(relation, relation)
