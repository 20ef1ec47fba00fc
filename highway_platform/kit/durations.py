"""Durations in words."""

from __future__ import annotations

from django.utils.translation import gettext as _


def duration(milliseconds: float) -> str:
    """A duration for people: two parts at most, never more precise than it is useful."""
    if milliseconds < 1000:
        return _("%(n)d ms") % {"n": round(milliseconds)}
    seconds = milliseconds / 1000
    if seconds < 60:
        return _("%(n).1f s") % {"n": seconds}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(m)d min %(s)d s") % {"m": minutes, "s": rest}
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes}
    return _("%(d)d d %(h)d h") % {"d": hours // 24, "h": hours % 24}
