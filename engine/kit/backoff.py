"""Waiting longer after each failure, with jitter so that many do not come back at once."""

from __future__ import annotations

import random


class Backoff:
    """Doubling delays in seconds, from ``first_seconds`` up to ``most_seconds``, each shortened at random by up to half."""

    def __init__(self, first_seconds: float, most_seconds: float) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._next = first_seconds

    def next_seconds(self) -> float:
        """The delay before the next try."""
        delay, self._next = self._next, min(self._next * 2, self._most)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next = self._first
