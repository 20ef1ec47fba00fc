"""Keeps the platform's processes running: one that dies is started again, later and later when it keeps dying."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from launch import process

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 60.0  # who lived that long starts over with the first pause


class Service:
    """One supervised process."""

    def __init__(
        self, name: str, command: list[str], *, log: Path, env: dict[str, str], cwd: Path, stop_seconds: float
    ) -> None:
        self.name = name
        self.log = log
        self.child: subprocess.Popen[bytes] | None = None
        self._command = command
        self._env = env
        self._cwd = cwd
        self._stop_seconds = stop_seconds
        self._pause = FIRST_PAUSE_SECONDS
        self._started = 0.0
        self._due: float | None = None

    def start(self) -> None:
        """Start the process now."""
        self._due = None
        self._started = time.monotonic()
        self.child = process.spawn(
            self._command, log=self.log, death_signal=signal.SIGTERM, env=self._env, cwd=self._cwd
        )

    def tend(self, say: Callable[[str], None]) -> None:
        """Look at the process once: say so when it ended, and start it again when its pause is over."""
        now = time.monotonic()
        if self._due is not None:
            if now >= self._due:
                self.start()
            return
        if self.child is None or self.child.poll() is None:
            return
        if now - self._started > SETTLED_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        say(
            f"{self.name} ended ({_how(self.child.returncode)}); starting it again in {self._pause:g} s, see {self.log}"
        )
        self._due = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def ask_to_stop(self) -> None:
        """Send the polite signal, and never start again."""
        self._due = None
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)

    def await_stop(self) -> bool:
        """Wait for the end that `ask_to_stop` asked for; kill when it takes too long. True when it ended by itself."""
        return self.child is None or process.wait_or_kill(self.child, self._stop_seconds)

    def kill(self) -> None:
        """End it at once."""
        self._due = None
        if self.child is not None:
            process.kill_group(self.child)


def _how(returncode: int) -> str:
    return f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit {returncode}"
