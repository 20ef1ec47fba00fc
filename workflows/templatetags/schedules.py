"""Schedules and their ticks in words and states."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engine import facade
from engine.model.schedules import ScheduleView, TickView
from workflows.words import run_state, state_word

register = template.Library()

# A tick that started no run looks like the state that comes nearest to it.
TICK_STATES = {"missed": "timedout", "waiting": "waiting", "skipped": "skipped"}
SCHEDULE_STATES = {"active": "waiting", "paused": "paused", "ended": "skipped"}
register.filter("in_words", facade.describe_timing)


@register.filter
def tick_state(status: str) -> str:
    """The visual state of a tick: that of its run, or of what was decided instead."""
    return TICK_STATES.get(status, run_state(status))


@register.filter
def tick_word(status: str) -> str:
    """The word for it."""
    return _("Missed") if status == "missed" else state_word(run_state(status))


@register.filter
def tick_status(tick: TickView) -> str:
    """The state of its run, or what was decided."""
    return tick.run_status or tick.outcome


@register.filter
def kind_of_tick(kind: str) -> str:
    """How a tick came to be."""
    return {"scheduled": _("Scheduled"), "manual": _("Run now"), "backfill": _("Backfill")}.get(kind, kind)


@register.filter
def schedule_state(view: ScheduleView) -> str:
    """The visual state of a schedule."""
    return "failed" if view.trouble else SCHEDULE_STATES.get(view.state, view.state)


@register.filter
def schedule_word(view: ScheduleView) -> str:
    """The word for it."""
    words = {"active": _("Active"), "paused": _("Paused"), "ended": _("Ended")}
    return _("In trouble") if view.trouble else words.get(view.state, view.state)


@register.filter
def local_clock(moment: datetime) -> str:
    """What a clock on the wall shows, with its distance from UTC: a change of the clocks can be seen."""
    return f"{date_format(moment, 'D j M Y, H:i')}{moment.strftime(':%S') if moment.second else ''} {moment.strftime('%z')[:3]}:{moment.strftime('%z')[3:5]}"


@register.filter
def overlap_word(policy: str) -> str:
    """What happens when a tick meets an open run."""
    words = {
        "allow": _("start beside it"),
        "skip": _("skip the tick"),
        "buffer_one": _("wait, one tick at most"),
        "buffer_all": _("wait, one after another"),
        "cancel_other": _("cancel it and start"),
    }
    return words.get(policy, policy)


@register.filter
def catchup_word(policy: str) -> str:
    """What happens to ticks that nobody looked at in time."""
    words = {"none": _("none"), "last": _("the last missed tick"), "all": _("all missed ticks")}
    return words.get(policy, policy)


@register.filter
def moment_value(value: object) -> object:
    """A field's value as its input takes it: moments to the minute, as clocks show them."""
    return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value
