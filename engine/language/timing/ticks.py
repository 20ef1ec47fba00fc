"""The moments at which a schedule comes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from engine.language.timing.clocks import doubled_by, local_time, read_clock
from engine.language.timing.reading import Cron, Every, Timing, period

Skipped = Literal["shift", "skip"]
Doubled = Literal["once", "twice"]


def ticks_after(
    timing: Timing,
    zone: ZoneInfo,
    after: datetime,
    *,
    anchor: datetime,
    skipped: Skipped = "shift",
    doubled: Doubled = "once",
) -> Iterator[datetime]:
    """Moments (UTC), strictly rising, strictly after ``after``. They end where the calendar does, or with the last match.

    A fixed time of day that the clocks skip comes at the jump (``shift``) or not at all (``skip``); one that they show twice comes at the
    first showing (``once``) or at both (``twice``). An expression with a star in its minute or hour comes whenever the clocks show a match.
    ``anchor`` is where intervals are counted from.
    """
    if isinstance(timing, Every):
        return _steps(timing, after, anchor)
    if not timing.is_fixed:
        skipped, doubled = "skip", "twice"
    return _rising(_moments(timing, zone, after, skipped, doubled), after)


def _steps(every: Every, after: datetime, anchor: datetime) -> Iterator[datetime]:
    step = period(every)
    try:
        tick = anchor + step * max((after - anchor) // step + 1, 0)
        while True:
            yield tick.astimezone(UTC)
            tick += step
    except OverflowError:
        return


def _moments(cron: Cron, zone: ZoneInfo, after: datetime, skipped: Skipped, doubled: Doubled) -> Iterator[datetime]:
    """Not before all that come earlier: a second showing waits until no first one can come before it."""
    waiting: list[datetime] = []
    for local in cron.local_times(_begin(zone, after)):
        reading = read_clock(local, zone)
        while waiting and waiting[0] <= reading.first:
            yield heapq.heappop(waiting)
        if not reading.is_skipped or skipped == "shift":
            yield reading.first
        if reading.second and doubled == "twice":
            heapq.heappush(waiting, reading.second)
    while waiting:
        yield heapq.heappop(waiting)


def _begin(zone: ZoneInfo, after: datetime) -> datetime:
    """A local time from which on nothing is missed: what the clocks show, or will show again before they go on."""
    return local_time(after, zone).replace(fold=0) - doubled_by(after, zone) - timedelta(seconds=1)


def _rising(moments: Iterator[datetime], after: datetime) -> Iterator[datetime]:
    last = after
    for moment in moments:
        if moment > last:
            last = moment
            yield moment
