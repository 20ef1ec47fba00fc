"""A schedule in words, for people."""

from __future__ import annotations

from cronsim import CronSim

from engine.language.timing.reading import _ANY_DAY, Every, read_timing

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def describe(text: str) -> str:
    """Such as "At 02:00 every day". Raises `TimingError` for a text that is no schedule."""
    timing = read_timing(text)
    if isinstance(timing, Every):
        size, unit = next((size, unit) for size, unit in _UNITS if timing.seconds % size == 0)
        count = timing.seconds // size
        return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
    explained: str = CronSim(timing.expression, _ANY_DAY).explain()
    return explained
