"""The fork server seen from outside: processes that are there in milliseconds, and that may be dead at any time."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from launch.commands import CHECKOUT


class Forked:
    """A forked process. It may be dead at any time; nothing here minds."""

    def __init__(self, pid: int, name: str) -> None:
        self.pid = pid
        self.name = name
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = -1

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._descriptor >= 0:
            try:
                signal.pidfd_send_signal(self._descriptor, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        assert self.gone(5), f"{self.name} survived kill -9"

    def gone(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, waiting up to ``seconds`` for it."""
        if self._descriptor < 0:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        os.close(self._descriptor)
        self._descriptor = -1
        return True


class Nursery:
    """One fork server, started when the first child is asked for; it loads everything once for all arenas of a stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[str] | None = None

    def fork(self, job: str, label: str, log: Path, **arguments: Any) -> Forked:
        """Fork a process that runs a function of tests.crash.jobs."""
        if self._server is None:
            self._server = self._start()
        request = {"target": f"tests.crash.jobs:{job}", "log": str(log), "arguments": arguments}
        stdin, stdout = self._server.stdin, self._server.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        return Forked(int(stdout.readline()), label)

    def close(self) -> None:
        """End the fork server; its children die with it."""
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            self._server.wait(10)
            self._server = None

    def _start(self) -> subprocess.Popen[str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "fork_server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.fork_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=CHECKOUT,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            )
