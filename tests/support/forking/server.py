"""The fork server seen from outside."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.commands import CHECKOUT
from tests.support.forking.forked import Forked
from tests.support.forking.program import Request


class ForkServer:
    """Starts its program when the first child is asked for. ``modules`` are loaded once, for all children; ``folder`` has its papers."""

    def __init__(self, folder: Path, *modules: str) -> None:
        self._folder = folder
        self._modules = modules
        self._numbers = itertools.count()
        self._asking = threading.Lock()  # one question and its answer at a time, whichever thread asks
        self._program: subprocess.Popen[str] | None = None

    def call(self, function: str, name: str, log: Path, /, **arguments: Any) -> Forked:
        """A child that calls ``module:function``; it dies at once when the server does."""
        return self._fork(name, call=function, arguments=arguments, out=str(log), err=str(log))

    def run(
        self,
        command: Sequence[str],
        *,
        out: Path,
        err: Path | None = None,
        environment: dict[str, str],
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> Forked:
        """A child that does what a command line of this interpreter does, from the checkout. Its words go to ``out`` and ``err``."""
        assert command[0] == sys.executable, command
        return self._fork(
            " ".join(command[1:4]),
            command=list(command),
            environment=environment,
            out=str(out),
            err=str(err or out),
            death_signal=int(death_signal),
        )

    def close(self) -> None:
        """End the fork server; its children get their signal."""
        if self._program is not None:
            assert self._program.stdin is not None
            self._program.stdin.close()
            self._program.wait(30)
            self._program = None

    def _fork(self, name: str, **given: Any) -> Forked:
        end = self._folder / f"{next(self._numbers)}.exit"
        request: Request = {
            "command": [],
            "call": "",
            "arguments": {},
            "environment": None,
            "exit": str(end),
            "death_signal": int(signal.SIGKILL),
            **given,
        }
        return Forked(self._ask(request), name, end)

    def _ask(self, request: Request) -> int:
        """The process id of the child that was asked for."""
        with self._asking:
            self._program = self._program or self._start()
            stdin, stdout = self._program.stdin, self._program.stdout
            assert stdin is not None
            assert stdout is not None
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            return int(stdout.readline())

    def _start(self) -> subprocess.Popen[str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "fork_server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.support.forking.program", *self._modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=CHECKOUT,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            )
