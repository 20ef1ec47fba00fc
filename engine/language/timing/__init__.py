"""When a schedule comes: cron expressions and intervals, in IANA zones, over every change of the clocks. Pure: nobody's clock is read here."""

from engine.language.timing.reading import Cron, Every, Timing, TimingError, read_timing
from engine.language.timing.ticks import Doubled, Skipped, ticks_after
from engine.language.timing.words import describe
from engine.language.timing.zones import ZoneError, read_zone

__all__ = [
    "Cron",
    "Doubled",
    "Every",
    "Skipped",
    "Timing",
    "TimingError",
    "ZoneError",
    "describe",
    "read_timing",
    "read_zone",
    "ticks_after",
]
