"""ISO 8601 durations, as ``highway-dsl`` and people write them: PT5S, PT1H30M, PT1.5H, P1D, P2W, P1DT12H."""

from __future__ import annotations

import re

_DURATION = re.compile(
    r"P(?:(?P<years>\d+(?:[.,]\d+)?)Y)?(?:(?P<weeks>\d+(?:[.,]\d+)?)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?",
    re.ASCII,
)
_SECONDS = {"years": 31_536_000, "weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
MAX_SECONDS = 100 * 366 * 86_400
MAX_LENGTH = 64


def parse_duration(text: str) -> float:
    """Seconds of an ISO 8601 duration; the older spelling ``duration:30.0`` is read too.

    A year is 365 days, as the builder writes it. Raises ValueError for anything else, for months (they have no fixed length) and for
    more than a hundred years.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("the duration is too long")
    if text.startswith("duration:"):
        return checked_seconds(float(text.removeprefix("duration:")))
    match = _DURATION.fullmatch(text)
    parts = {unit: number for unit, number in match.groupdict().items() if number} if match else {}
    if not parts:
        raise ValueError(f"'{text}' is not a duration such as PT30S, PT1H30M or P1D")
    return checked_seconds(sum(float(number.replace(",", ".")) * _SECONDS[unit] for unit, number in parts.items()))


def checked_seconds(seconds: float) -> float:
    """The same seconds if they are a time we can wait."""
    if not 0 <= seconds <= MAX_SECONDS:  # also false for NaN
        raise ValueError("a duration lies between 0 and 100 years")
    return seconds
