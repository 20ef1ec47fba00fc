"""How fast this worker gets through tasks, and so how many it may hold ahead of need without keeping them from others."""

from __future__ import annotations

import time

from engine.kit.values import value

WINDOW_SECONDS = 0.25
SHARED_SECONDS = 5.0  # after few tasks of a tenant were taken beside many of another, more are expected to come


@value(frozen=True, slots=True)
class Stride:
    """How much is taken on. ``ahead_seconds``: it holds what it is done with in so long; ``smallest``: fewer are not worth a look of their own."""

    ahead_seconds: float
    smallest: int


ALONE = Stride(0.1, 100)
SHARED = Stride(0.005, 10)  # whoever comes waits behind what is held here


class Pace:
    """Counts the tasks that leave, in windows of a quarter of a second; the pace is that of the last whole window and the one under way.

    While somebody has few tasks beside many of another tenant, the stride is shorter. Where all have many, that would help nobody.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._left = 0
        self._before = 0.0
        self._shared_until = 0.0

    def shared(self) -> None:
        """A look has given few tasks of a tenant beside many of another."""
        self._shared_until = time.monotonic() + SHARED_SECONDS

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
        return int(self._before * self._stride.ahead_seconds)

    @property
    def at_once(self) -> int:
        """How many to take in one look: half of them, so that one half is thought about while the database works on the other."""
        return max(self.ahead // 2, self._stride.smallest)

    @property
    def is_shared(self) -> bool:
        """Whether somebody waits behind the many tasks of another tenant, or did lately."""
        return time.monotonic() < self._shared_until

    @property
    def _stride(self) -> Stride:
        return SHARED if self.is_shared else ALONE
