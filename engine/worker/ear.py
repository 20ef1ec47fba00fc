"""Whether a worker is to be told of work."""

from __future__ import annotations

import time

from engine.worker.config import POLL_SECONDS

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
        self._doubt_seconds = POLL_SECONDS

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
            self._doubt_seconds = DOUBT_SECONDS
        if leaves_some:
            self._busy_since = self._busy_since or time.monotonic()
            return POLL_SECONDS
        self._busy_since = None
        if self.wish is not None:
            return 0.0
        seconds, self._doubt_seconds = self._doubt_seconds, min(2 * self._doubt_seconds, POLL_SECONDS)
        return seconds
