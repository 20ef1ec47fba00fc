"""Times on pages: always `<time>`, UTC from the server, shown in the viewer's own zone once the script runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from highway_platform.kit.durations import duration

NOTHING = "\N{EN DASH}"

register = template.Library()


@register.simple_tag
def when(moment: datetime | None, style: str = "relative") -> SafeString | str:
    """A moment. ``style``: ``relative`` ("4 min ago", ticking), ``clock`` (time of day), ``full`` (date and time).

    What the server writes never depends on the time of rendering, so an unchanged page stays unchanged.
    """
    if moment is None:
        return NOTHING
    utc = moment.astimezone(UTC)
    text = date_format(utc, "H:i:s") if style == "clock" else date_format(utc, "j M Y, H:i:s")
    return format_html(
        '<time datetime="{}" data-style="{}" title="{} UTC">{} UTC</time>',
        utc.isoformat(timespec="milliseconds"),
        style,
        date_format(utc, "j M Y, H:i:s"),
        text,
    )


@register.simple_tag
def elapsed(since: datetime | None, until: datetime | None = None) -> SafeString | str:
    """How long something took, or has been going on: an open one ticks in the browser and shows its start without scripts."""
    if since is None:
        return NOTHING
    if until is None:
        utc = since.astimezone(UTC)
        return format_html(
            '<time datetime="{}" data-style="since" title="{} UTC">{} UTC</time>',
            utc.isoformat(timespec="milliseconds"),
            date_format(utc, "j M Y, H:i:s"),
            date_format(utc, "H:i:s"),
        )
    seconds = max((until - since).total_seconds(), 0)
    return format_html('<time datetime="PT{}S">{}</time>', f"{seconds:.3f}", duration(seconds * 1000))


@register.filter
def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
