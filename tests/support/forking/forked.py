"""A forked process seen from outside."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path

EXIT_IS_TOLD_WITHIN_SECONDS = 30.0


class Forked:
    """A process as `subprocess.Popen` would show it, though it is the fork server's child. It may be dead at any time; nothing here minds."""

    def __init__(self, pid: int, name: str, end: Path) -> None:
        self.pid = pid
        self.name = name
        self.returncode: int | None = None
        self._end = end
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = -1

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        if self._descriptor >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        assert self.gone(30), f"{self.name} survived kill -9"

    def gone(self, seconds: float | None = 0.0) -> bool:
        """Whether it has ended, waiting up to ``seconds`` for it (None: for ever)."""
        if self._descriptor < 0:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(None if seconds is None else seconds * 1000):
            return False
        os.close(self._descriptor)
        self._descriptor = -1
        return True

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), None while it runs."""
        if self.returncode is None and self.gone():
            self.returncode = self._told()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code. Raises `subprocess.TimeoutExpired`."""
        if not self.gone(timeout):
            raise subprocess.TimeoutExpired(self.name, timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code

    def _told(self) -> int:
        """The exit code: the fork server writes it down a moment after the end."""
        until = time.monotonic() + EXIT_IS_TOLD_WITHIN_SECONDS
        while not self._end.exists():
            assert time.monotonic() < until, f"the fork server does not tell how {self.name} ended"
            time.sleep(0.001)
        return int(self._end.read_text())
