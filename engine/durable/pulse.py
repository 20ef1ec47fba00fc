"""The heartbeats of one attempt, between the activity's own thread, which sends them, and the worker's threads, which pass them on."""

from __future__ import annotations

import threading
import time

from engine.kit.json_text import dumps
from engine.model.activity import MAX_DETAILS_BYTES
from engine.model.json import Json


class DetailsTooLargeError(ValueError):
    """Heartbeat details are notes on where the work stands, not its result."""


class Pulse:
    """Remembers the last heartbeat, and whether anybody has taken it yet. Promise: nobody waits here for more than an assignment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: float | None = None
        self._details: str | None = None
        self._is_new = False

    @property
    def last_at(self) -> float | None:
        """Monotonic time of the last heartbeat; None before the first."""
        return self._at

    def beat(self, details: Json) -> None:
        """A heartbeat. None keeps the details of the one before. Raises for details that cannot be stored, or not cheaply."""
        text = None if details is None else dumps(details)  # as it is now: the caller may go on changing it
        if text is not None and len(text.encode()) > MAX_DETAILS_BYTES:
            raise DetailsTooLargeError(f"heartbeat details are larger than {MAX_DETAILS_BYTES // 1024} KiB")
        with self._lock:
            self._at, self._is_new = time.monotonic(), True
            if text is not None:
                self._details = text

    def take(self) -> tuple[float, str | None] | None:
        """The last heartbeat, if nobody has taken it: (monotonic time, details as JSON)."""
        with self._lock:
            if self._at is None or not self._is_new:
                return None
            self._is_new = False
            return self._at, self._details

    def put_back(self) -> None:
        """What was taken could not be passed on: it counts as new."""
        with self._lock:
            self._is_new = self._at is not None

    def last(self) -> tuple[float, str | None] | None:
        """The last heartbeat, taken or not: at the end of an attempt, when whoever took it may still be on the way."""
        with self._lock:
            return None if self._at is None else (self._at, self._details)
