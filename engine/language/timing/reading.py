"""Texts of schedules: cron expressions of five fields (six with seconds first), short names such as ``@daily``, intervals such as ``@every 90s``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

MAX_LENGTH = 200
SHORT_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_EVERY = re.compile(r"@?every\s+([1-9]\d{0,8})\s*(s|m|h|d)", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - local time: the expression has no zone


class TimingError(ValueError):
    """The text is no schedule; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Every:
    """An interval in real seconds, counted from an anchor: no change of the clocks touches it."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression that can be read and that comes at least once."""

    expression: str

    @property
    def is_fixed(self) -> bool:
        """Whether it names times of day. As in Debian's cron, a star in minute or hour makes it one that goes by what the clock shows."""
        *_, minute, hour, _day, _month, _weekday = self.expression.split()
        return not minute.startswith("*") and not hour.startswith("*")

    def local_times(self, after: datetime) -> Iterator[datetime]:
        """Matching times without a zone, strictly after ``after``; they end when none comes for fifty years, or with the calendar."""
        try:
            yield from CronSim(self.expression, after)
        except OverflowError:
            return


Timing = Cron | Every


def read_timing(text: str) -> Timing:
    """The schedule that a text names. Raises `TimingError`."""
    words = " ".join(text.split())
    if len(words) > MAX_LENGTH:
        raise TimingError(f"a schedule has at most {MAX_LENGTH} characters")
    every = _EVERY.fullmatch(words)
    if every:
        return Every(int(every[1]) * _SECONDS[every[2].lower()])
    expression = SHORT_NAMES.get(words.lower(), words)
    try:
        next(CronSim(expression, _ANY_DAY))
    except StopIteration:
        raise TimingError(f"'{words[:80]}' never comes") from None
    except (CronSimError, ValueError, AssertionError, OverflowError) as error:
        raise TimingError(_complaint(words, str(error))) from None
    return Cron(expression)


def _complaint(words: str, why: str) -> str:
    reason = f" ({why})" if why.startswith(("Bad", "Wrong")) else ""
    return f"'{words[:80]}' is neither a cron expression of five fields (six with seconds) nor such as '@every 90s'{reason}"


def period(every: Every) -> timedelta:
    """The interval as a duration."""
    return timedelta(seconds=every.seconds)
