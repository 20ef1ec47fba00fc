"""IANA time zones by name."""

from __future__ import annotations

import difflib
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

MAX_LENGTH = 100


class ZoneError(ValueError):
    """There is no zone of that name; the message names the nearest ones."""


def read_zone(name: str) -> ZoneInfo:
    """The zone of a name such as ``Europe/Berlin``. Raises `ZoneError`."""
    try:
        if len(name) <= MAX_LENGTH and name in zone_names():
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # listed, and its data cannot be read
        raise ZoneError(f"the data of the time zone '{name}' cannot be read here") from None
    near = nearest_zones(name)
    hint = f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
    raise ZoneError(f"there is no time zone '{name[:MAX_LENGTH]}'{hint}")


@cache
def zone_names() -> frozenset[str]:
    """All names of the zone data."""
    return frozenset(available_timezones())


def nearest_zones(name: str) -> list[str]:
    """Up to three zones that somebody may have meant: by the whole name, by its city, or by the city alone."""
    asked = name[:MAX_LENGTH].strip().lower().replace(" ", "_")
    by_text: dict[str, str] = {}
    for zone in sorted(zone_names()):
        by_text.setdefault(zone.lower(), zone)
        by_text.setdefault(zone.rsplit("/", 1)[-1].lower(), zone)
    found = difflib.get_close_matches(asked, by_text, n=6, cutoff=0.7)
    found += difflib.get_close_matches(asked.rsplit("/", 1)[-1], by_text, n=6, cutoff=0.8)
    return list(dict.fromkeys(by_text[text] for text in found))[:3]
