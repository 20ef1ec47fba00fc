"""Processes that tests look at and do not own."""

from __future__ import annotations

import os
import time


def wait_until_gone(pid: int, seconds: float = 10) -> None:
    """Wait until no process has this number."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
