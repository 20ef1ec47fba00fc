"""What a local time is in real time: once, never (the clocks skip it), or twice (they go back over it)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_ZERO = timedelta()
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One local time. ``first`` is when it comes; of a skipped time the moment the clocks jump; ``second`` is set when it comes twice."""

    first: datetime
    is_skipped: bool = False
    second: datetime | None = None


def read_clock(local: datetime, zone: ZoneInfo) -> Reading:
    """The moments (UTC) at which the clocks of a zone show a local time."""
    before = _offset(local.replace(tzinfo=zone, fold=0))
    after = _offset(local.replace(tzinfo=zone, fold=1))
    if before == after:
        return Reading((local - before).replace(tzinfo=UTC))
    if before > after:  # the clocks go back over it
        return Reading((local - before).replace(tzinfo=UTC), second=(local - after).replace(tzinfo=UTC))
    early, late = (local - after).replace(tzinfo=UTC), (local - before).replace(tzinfo=UTC)
    return Reading(_jump_between(early, late, zone, after), is_skipped=True)


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show at a moment, without the zone; ``fold`` tells the second showing of a doubled time."""
    return moment.astimezone(zone).replace(tzinfo=None)


def doubled_by(moment: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clocks will go back over what they show now; zero unless this is the first showing of a doubled time."""
    shown = moment.astimezone(zone)
    if shown.fold:
        return _ZERO
    return max(_offset(shown) - _offset(shown.replace(fold=1)), _ZERO)


def _jump_between(early: datetime, late: datetime, zone: ZoneInfo, offset_after: timedelta) -> datetime:
    """The first second, behind ``early`` and not behind ``late``, that has the offset that holds after the jump."""
    while late - early > _SECOND:
        middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
        if _offset(middle.astimezone(zone)) == offset_after:
            late = middle
        else:
            early = middle
    return late


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or _ZERO
