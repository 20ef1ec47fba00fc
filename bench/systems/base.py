"""What the bench knows of a system: how to put up a fresh one, run workers of it, and reach its client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

from bench.ground import Ground
from bench.remote import Agent
from launch import process
from launch.commands import CHECKOUT

READY_SECONDS = 60.0
STOP_SECONDS = 20.0


class NotHereError(Exception):
    """A system cannot be measured on this machine; the text says why."""


class System(Protocol):
    """One system. `fresh` comes before everything else of a measurement; `stop` after it."""

    name: ClassVar[str]
    workloads: ClassVar[frozenset[str]]
    ground: Ground
    needs_worker_to_submit: ClassVar[bool]

    @property
    def database(self) -> str | None:
        """Of the bench's PostgreSQL, where its truth is there."""

    def install(self) -> str:
        """Make sure that it is here; its versions. Raises `NotHereError`."""

    def fresh(self) -> None:
        """Everything anew: no runs, no workers."""

    def start(self, processes: int = 1) -> None:
        """Start workers; return when they are ready."""

    def stop(self) -> None:
        """Stop workers and whatever else was started."""

    def close(self) -> None:
        """Nothing more will be measured."""

    def agent(self) -> Agent:
        """A client in the system's own environment."""

    def worker_pids(self) -> list[int]:
        """First processes of the workers."""

    def server_pid(self) -> int:
        """First process of the server that keeps the truth."""

    def store_bytes(self) -> int:
        """How much room everything that is kept takes."""


@contextmanager
def running(system: System, processes: int = 1) -> Iterator[Agent]:
    """A fresh system with workers, and its client."""
    with put_up(system):
        system.start(processes)
        with system.agent() as agent:
            yield agent


@contextmanager
def put_up(system: System) -> Iterator[None]:
    """A fresh system without workers; everything is stopped at the end."""
    system.fresh()
    try:
        yield
    finally:
        system.stop()


class Processes:
    """The processes that one system has running, each with its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pids(self) -> list[int]:
        """Those that were started, in order."""
        return [child.pid for child in self.children]

    def start(self, command: Sequence[str | Path], *, env: dict[str, str], log: str) -> Path:
        """Start one; where its log is."""
        path = self.folder / log
        path.unlink(missing_ok=True)
        self.children.append(
            process.spawn(command, log=path, death_signal=signal.SIGTERM, env=env, cwd=CHECKOUT),
        )
        return path

    def await_ready(self, until: Callable[[], bool]) -> None:
        """Wait until it is true; the logs tell what went wrong when it does not come."""
        deadline = time.monotonic() + READY_SECONDS
        while not until():
            if time.monotonic() > deadline or any(child.poll() is not None for child in self.children):
                raise NotHereError(f"a process did not become ready: see {self.folder}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask all to end, last started first, and see to it."""
        for child in reversed(self.children):
            process.stop(child, signal.SIGTERM, STOP_SECONDS)
        self.children.clear()


def python_environment(**more: str) -> dict[str, str]:
    """Variables for a Python process that shall find this checkout."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", **more}


OWN_PYTHON = Path(sys.executable)
