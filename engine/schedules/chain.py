"""Where a schedule's chain of ticks stands, and how it goes on. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Literal
from uuid import UUID

from engine.language.timing import read_timing, read_zone, ticks_after
from engine.model.schedules import ScheduleSpec

LATE = timedelta(seconds=60)  # so much later than due, a tick is one that was missed, and the catch-up policy decides
BATCH = 500  # ticks that are decided at a time
_INSTANT = timedelta(microseconds=1)
_FIRST_SPAN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the catch-up policy says about one due tick."""

    tick_at: datetime
    word: Literal["fire", "missed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """The oldest due ticks with their verdicts, and the first tick behind them; None when none comes any more."""

    verdicts: list[Verdict]
    next_at: datetime | None


class Chain:
    """The ticks of one schedule. Raises `TimingError` or `ZoneError` when made of a text that cannot be read."""

    def __init__(self, schedule_id: UUID, spec: ScheduleSpec, anchor_at: datetime) -> None:
        self._id = schedule_id
        self._spec = spec
        self._anchor = spec.starts_at or anchor_at
        self._timing = read_timing(spec.timing)
        self._zone = read_zone(spec.zone)

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Every tick strictly after a moment, within the schedule's start and end."""
        spec = self._spec
        if spec.starts_at is not None:
            after = max(after, spec.starts_at - _INSTANT)
        ticks = ticks_after(
            self._timing, self._zone, after, anchor=self._anchor, skipped=spec.skipped, doubled=spec.doubled
        )
        for tick in ticks:
            if spec.ends_at is not None and tick > spec.ends_at:
                return
            yield tick

    def first_after(self, moment: datetime) -> datetime | None:
        """The first tick strictly after a moment."""
        return next(self.ticks(moment), None)

    def due_at(self, tick: datetime) -> datetime:
        """When a tick is to be looked at: its jitter later, the same for every worker and every attempt."""
        if not self._spec.jitter_seconds:
            return tick
        digest = hashlib.sha256(f"{self._id}:{tick.timestamp():.6f}".encode()).digest()
        share = int.from_bytes(digest[:8]) / 2**64
        return tick + timedelta(milliseconds=round(share * self._spec.jitter_seconds * 1000))

    def due(self, next_at: datetime, now: datetime, most: int = BATCH) -> Due:
        """The oldest due ticks from ``next_at`` on, at most so many, and what the catch-up policy makes of each."""
        ticks: list[datetime] = []
        following = None
        for tick in self.ticks(next_at - _INSTANT):
            if len(ticks) == most or self.due_at(tick) > now:
                following = tick
                break
            ticks.append(tick)
        is_all = following is None or self.due_at(following) > now
        keep_from = self._keep_from(ticks, now, is_all=is_all)
        return Due([self._verdict(tick, now, keep_from) for tick in ticks], following)

    def _verdict(self, tick: datetime, now: datetime, keep_from: datetime | None) -> Verdict:
        oldest = now - timedelta(seconds=self._spec.catchup_seconds) if self._spec.catchup_seconds else None
        if now - self.due_at(tick) <= LATE:
            return Verdict(tick, "fire")
        if keep_from is None or tick < keep_from:
            return Verdict(tick, "missed", f"nobody looked at it in time; catch-up: {self._spec.catchup}")
        if oldest is not None and tick < oldest:
            return Verdict(tick, "missed", "older than the catch-up window")
        return Verdict(tick, "fire", "caught up")

    def _keep_from(self, ticks: list[datetime], now: datetime, *, is_all: bool) -> datetime | None:
        """The oldest of the late ticks that the policy still fires, windows aside."""
        if self._spec.catchup == "none" or not ticks:
            return None
        count = 1 if self._spec.catchup == "last" else self._spec.catchup_limit
        newest = ticks[-count:] if is_all else self._newest(ticks[0], now, count)
        return newest[0]

    def _newest(self, first: datetime, now: datetime, count: int) -> list[datetime]:
        """The last ``count`` ticks that are due: looked for backwards in growing spans, as there may be very many."""
        span = _FIRST_SPAN
        while True:
            begin = max(first, now - span)
            found = list(takewhile(lambda tick: self.due_at(tick) <= now, self.ticks(begin - _INSTANT)))
            if len(found) >= count or begin == first:
                return found[-count:] or [first]
            span *= 4


def preview(chain: Chain, after: datetime, count: int) -> list[datetime]:
    """The next ``count`` ticks after a moment."""
    return list(islice(chain.ticks(after), count))
