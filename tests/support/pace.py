"""How fast the machine is at this moment: a bound on the processor's time means the same work on one that is slow, or shared."""

from __future__ import annotations

import time

USUAL_SECONDS = 0.015  # what the yardstick takes where the bounds were written
_ROUNDS = 200_000


def slowness() -> float:
    """How many times slower than usual it is just now; 1 where it is faster."""
    return max(1.0, min(_yardstick() for _ in range(3)) / USUAL_SECONDS)


def _yardstick() -> float:
    started, total = time.thread_time(), 0
    for number in range(_ROUNDS):
        total += number * number
    return time.thread_time() - started
