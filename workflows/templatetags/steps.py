"""Steps and story entries in words, addresses and figures."""

from __future__ import annotations

import json

from django import template
from django.utils.translation import gettext as _

from engine.model.views import StepView, StoryEntry
from workflows.graph.details import skip_reason, step_detail
from workflows.pages.run import path_of
from workflows.words import state_word

INLINE_LENGTH = 240

register = template.Library()
register.filter("path", path_of)


@register.filter
def detail(step: StepView) -> str:
    """What a step is doing, or how it ended."""
    return step_detail(step, step.status)


@register.filter
def note(step: StepView) -> str:
    """Why it was skipped, what it waits for, or what went wrong: nothing for a plain success."""
    if step.status == "skipped":
        return skip_reason(step.reason)
    if step.error:
        return str(step.error.get("message", ""))
    return step_detail(step, step.status) if step.wait else step.reason


@register.filter
def spoken(step: StepView) -> str:
    """A step in one phrase, for those who do not see its bar."""
    return f"{path_of(step)}: {state_word(step.status)}, {step_detail(step, step.status)}"


@register.filter(name="round")
def round_of(step: StepView) -> str:
    """The rounds of its loops, counted from one: "3" or "2.1"."""
    numbers = [part.partition("]")[0] for part in path_of(step).split("[")[1:]]
    return ".".join(str(int(number) + 1) for number in numbers) or "1"


@register.filter
def entry_path(entry: StoryEntry) -> str:
    """The path of the execution that an entry is about."""
    return f"{entry.scope}/{entry.step_key}" if entry.scope else entry.step_key


@register.filter
def percent(value: float) -> str:
    """A share of the width as SVG wants it, whatever the language of the page."""
    return f"{value:.2f}%"


@register.filter
def told(entry: StoryEntry) -> str:
    """What an entry tells beside its kind: the error, the reason, the name; everything else as JSON, shortened."""
    data = {name: value for name, value in entry.data.items() if name not in {"operator", "error", "reason", "name"}}
    error = entry.data.get("error")
    words = [str(error.get("message", ""))] if isinstance(error, dict) else []
    words += [str(entry.data["name"])] if "name" in entry.data else []
    words += [skip_reason(str(entry.data["reason"]))] if entry.data.get("reason") else []
    if data.pop("attempt", 1) != 1:
        words.append(_("attempt %(n)s") % {"n": entry.data["attempt"]})
    if data:
        words.append(json.dumps(data, ensure_ascii=False, default=str))
    text = " · ".join(filter(None, words))
    return text if len(text) <= INLINE_LENGTH else text[: INLINE_LENGTH - 1] + "…"


@register.filter
def kind_word(kind: str) -> str:
    """What an entry of the story tells, in words."""
    words = {
        "step_succeeded": _("Step succeeded"),
        "step_failed": _("Step failed"),
        "step_skipped": _("Step skipped"),
        "attempt_failed": _("Attempt failed"),
        "event": _("Event"),
        "signal": _("Signal"),
        "rescued": _("Taken over from a dead worker"),
        "cancel_requested": _("Asked to stop"),
        "paused": _("Paused"),
        "resumed": _("Resumed"),
        "killed": _("Killed"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "expired": _("Nobody decided in time"),
        "restarted": _("Restarted"),
        "gave_up": _("Step given up"),
        "forked": _("Forked from another run"),
        "forked_as": _("Forked into another run"),
        "continued": _("Continued as a new run"),
        "start_changed": _("Start moved"),
        "priority_changed": _("Priority changed"),
        "activity_cancel_requested": _("Activity asked to stop"),
        "activity_timed_out": _("Activity took too long"),
        "attempt_timed_out": _("Attempt taken from its worker"),
    }
    return words.get(kind, kind.replace("_", " ").capitalize())
