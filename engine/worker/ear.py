"""Whether a worker is to be told of work, and what it makes of what others are told."""

from __future__ import annotations

import math
import time

from engine.worker.config import POLL_SECONDS, RUMOUR_SECONDS

BUSY_SECONDS = 1.0  # looks have left something for so long: it need not be told for now
DOUBT_SECONDS = 0.01


class Ear:
    """Open while the worker may sleep, and closed while each look leaves some: then it looks anyhow, and nobody who submits has to notify.

    It is opened before the worker sleeps. Whoever saw it closed just before may commit a little later and tell nobody, so the first looks after that
    follow one another soon, each after twice the time. A deaf worker, whose every notification is lost, is not to be told either.
    """

    def __init__(self, *, is_deaf: bool) -> None:
        self._is_deaf = is_deaf
        self._is_open = not is_deaf
        self._busy_since: float | None = None
        self._doubt_seconds = POLL_SECONDS  # from one look for those to the next, and when that is
        self._doubt_at = -math.inf

    @property
    def wish(self) -> bool | None:
        """Whether it is to be open from now on, for the next look to tell the database; None: as it is."""
        if self._is_deaf:
            return None
        if self._busy_since is None:
            return None if self._is_open else True
        is_busy = time.monotonic() - self._busy_since >= BUSY_SECONDS
        return False if is_busy and self._is_open else None

    def looked(self, *, told: bool | None, leaves_some: bool) -> float:
        """A look was made: what it told the database of this ear, and whether it left some of what is due.

        In how many seconds to look again at the latest.
        """
        if told is not None:
            self._is_open = told
            self._doubt_seconds, self._doubt_at = DOUBT_SECONDS, -math.inf
        if leaves_some:
            self._busy_since = self._busy_since or time.monotonic()
            return POLL_SECONDS
        self._busy_since = None
        if self.wish is not None:
            return 0.0
        return self._to_next_doubt()

    def _to_next_doubt(self) -> float:
        now = time.monotonic()
        if now >= self._doubt_at:  # a look before its time, for a hint, uses none up
            self._doubt_at = now + self._doubt_seconds
            self._doubt_seconds = min(2 * self._doubt_seconds, POLL_SECONDS)
        return self._doubt_at - now


class Rumours:
    """When to look for what other workers were asked to take: in a moment, as they may be busy or gone, and once for all that was heard until then.

    Apart from when the worker looks anyhow: what it finds before that time says nothing of what comes until then.
    """

    def __init__(self) -> None:
        self.next_at = math.inf
        self._last_at = -math.inf

    def hear(self) -> None:
        """Another worker was asked to take something; more of the like may follow within a moment, and is not told again."""
        self._last_at = time.monotonic() + RUMOUR_SECONDS
        self.next_at = min(self.next_at, self._last_at)

    def take(self) -> bool:
        """Whether it is time to look, which is then done. What was heard while it was waited for is looked for in its own time."""
        now = time.monotonic()
        if self.next_at > now:
            return False
        self.next_at = self._last_at if self._last_at > now else math.inf
        return True
