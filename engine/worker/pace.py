"""How fast this worker gets through tasks, and so how many it may hold ahead of need without keeping them from others."""

from __future__ import annotations

import time
from uuid import UUID

from engine.kit.values import value

WINDOW_SECONDS = 0.25
SHARED_SECONDS = 5.0  # after tasks of another tenant were taken, others are expected to come


@value(frozen=True, slots=True)
class Stride:
    """How much is taken on. ``ahead_seconds``: it holds what it is done with in so long; ``smallest``: fewer are not worth a look of their own."""

    ahead_seconds: float
    smallest: int


ALONE = Stride(0.1, 100)
SHARED = Stride(0.04, 50)  # whoever comes waits behind what is held here: shorter, for a tenth of the speed


class Pace:
    """Counts the tasks that leave, in windows of a quarter of a second; the pace is that of the last whole window and the one under way.

    While several tenants have tasks, the stride is shorter.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._left = 0
        self._before = 0.0
        self._tenants: set[UUID] = set()  # whose tasks came last
        self._shared_until = 0.0

    def took(self, tenants: set[UUID]) -> None:
        """Whose tasks a look has given."""
        if len(tenants | self._tenants) > 1:
            self._shared_until = time.monotonic() + SHARED_SECONDS
        self._tenants = tenants or self._tenants

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
    def _stride(self) -> Stride:
        return SHARED if time.monotonic() < self._shared_until else ALONE
