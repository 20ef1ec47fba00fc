"""How fast this worker gets through tasks, and so how many it may hold ahead of need without keeping them from others."""

from __future__ import annotations

import time

AHEAD_SECONDS = 0.1  # it holds what it is done with in so long
WINDOW_SECONDS = 0.25
SMALLEST_HALF = 100  # fewer are not worth a round trip of their own


class Pace:
    """Counts the tasks that leave, in windows of a quarter of a second; the pace is that of the last whole window and the one under way."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._left = 0
        self._before = 0.0

    def left(self) -> None:
        """A task is not held any more."""
        self._left += 1

    @property
    def ahead(self) -> int:
        """How many tasks it will be done with in the next moment, by what it did in the last."""
        now = time.monotonic()
        lasted = now - self._since
        if lasted >= WINDOW_SECONDS:
            self._before, self._left, self._since = self._left / lasted, 0, now
        return int(self._before * AHEAD_SECONDS)

    @property
    def at_once(self) -> int:
        """How many to take in one look: half of them, so that one half is thought about while the database works on the other."""
        return max(self.ahead // 2, SMALLEST_HALF)
