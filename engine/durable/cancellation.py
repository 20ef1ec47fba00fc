"""The one flag by which a worker tells a running tool that its result is no longer wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancellation:
    """A latch that is set once, from any thread. Promise: every callback runs exactly once, at once if it comes late."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Cancel. Callbacks run in the calling thread; setting twice does nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether it was cancelled."""
        return self._event.is_set()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when it is cancelled. It must be quick and must not raise: the worker's loop may be what runs it."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def wait(self, seconds: float | None) -> bool:
        """Sleep until it is cancelled or ``seconds`` have passed; says whether it was cancelled."""
        return self._event.wait(seconds)
