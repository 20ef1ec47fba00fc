"""What a killed server leaves behind: its pid file, and for a moment its children."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from launch.refusal import Refusal

STATUS_LINE = 7  # of postmaster.pid: starting, ready, stopping
PATIENCE_SECONDS = 30.0


def state(data: Path, pid: int) -> str:
    """What the server ``pid`` says of itself in its pid file; "" when the file is not there or not its own."""
    lines = _pid_file_lines(data)
    if len(lines) <= STATUS_LINE or lines[0].strip() != str(pid):
        return ""
    return lines[STATUS_LINE].strip()


def clear(data: Path) -> None:
    """Make sure that nobody runs in ``data``.

    A server that outlived its launcher is asked to stop. A pid file whose process is dead, or is another program that got the
    number since, is removed: PostgreSQL itself would take such a process for a server and refuse to start.
    """
    lines = _pid_file_lines(data)
    if not lines:
        return
    pid = int(lines[0])
    if not _is_server_of(pid, data):
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_server_of(pid, data):
        if time.monotonic() > deadline:
            raise Refusal(
                f"an older PostgreSQL (process {pid}) still runs in {data} and does not stop: end it, then try again"
            )
        time.sleep(0.02)


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether process ``pid`` works in ``data``: a server changes into its data folder."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        return False
