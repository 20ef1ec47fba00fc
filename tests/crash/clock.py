"""A process whose wall clock is wrong."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo


def skew_clock(seconds: float) -> None:
    """From now on everything of ours in this process that asks for the time of day is told a wrong one."""
    true_time, true_time_ns = time.time, time.time_ns

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + int(seconds * 1e9)
    for name, module in list(sys.modules.items()):
        if name.startswith(("engine.", "sandbox.")) and getattr(module, "datetime", None) is datetime:
            module.datetime = Skewed  # type: ignore[attr-defined]
