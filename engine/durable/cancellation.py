"""The one flag by which a worker tells a running tool that its result is no longer wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancellation:
    """A latch that is set once, from any thread. Promise: every callback runs exactly once, at once if it comes late."""

    __slots__ = ("_callbacks", "_is_set", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Cancel. Callbacks run in the calling thread; setting twice does nothing."""
        with self._lock:
            if self._is_set:
                return
            self._is_set = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether it was cancelled."""
        return self._is_set

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when it is cancelled. It must be quick and must not raise: the worker's loop may be what runs it."""
        with self._lock:
            if not self._is_set:
                self._callbacks.append(callback)
                return
        callback()

    def wait(self, seconds: float | None) -> bool:
        """Sleep until it is cancelled or ``seconds`` have passed; says whether it was cancelled."""
        event = threading.Event()  # few calls ever wait, and every call has a latch
        self.on_set(event.set)
        try:
            return event.wait(seconds)
        finally:
            self._forget(event.set)

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
