"""A launcher under test: its lines, its end, its children."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from launch.commands import CHECKOUT
from launch.postgres.access import free_port


class Launcher:
    """One `make run`, read while it runs."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.lines: list[str] = []
        self.process = psutil.Popen(
            [sys.executable, "-m", "launch.run", "--port", str(self.port), *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "HIGHWAY_HOME": str(home), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait_for(self, words: str, seconds: float = 120.0) -> str:
        """The first line with ``words`` in it."""
        deadline = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if words in line:
                    return line
            assert time.monotonic() < deadline, f"no {words!r} in:\n{''.join(self.lines)}"
            assert self.process.poll() is None or self._reader.is_alive(), f"no {words!r} in:\n{''.join(self.lines)}"
            time.sleep(0.05)

    def end(self) -> int:
        """The exit code, once every line is read."""
        returncode: int = self.process.wait(200)
        self._reader.join(10)
        return returncode

    def children(self) -> list[psutil.Process]:
        """Everything below it."""
        found: list[psutil.Process] = self.process.children(recursive=True)
        return found

    def child(self, words: str) -> psutil.Process:
        """The first process whose command holds ``words``."""
        return next(each for each in self.children() if words in " ".join(each.cmdline()))
