"""What a process under test does to itself at a fault point: dies, stops, or takes its connection for lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.db.errors import ConnectionLostError
from engine.kit.fault_points import FaultPoint, arm

Action = Literal["kill", "stop", "raise"]


class InjectedFaultError(ConnectionLostError):
    """The connection is said to be gone: what was under way may have happened or not."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The ``nth`` time (from 1) that a process reaches ``point``, it does ``action`` to itself."""

    point: FaultPoint
    action: Action = "kill"
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.point}:{self.action}:{self.nth}"

    @classmethod
    def read(cls, text: str) -> Fault:
        point, action, nth = text.split(":")
        return cls(FaultPoint(point), action, int(nth))  # type: ignore[arg-type]


class Armed:
    """The handler of one process. Notes in ``folder`` which points were reached and which faults were done."""

    def __init__(self, faults: Iterable[Fault], folder: Path) -> None:
        self._faults = {(fault.point, fault.nth): fault for fault in faults}
        self._folder = folder
        self._counts: Counter[FaultPoint] = Counter()
        self._lock = threading.Lock()
        arm(self)

    def __call__(self, point: FaultPoint) -> None:
        with self._lock:
            self._counts[point] += 1
            nth = self._counts[point]
        if nth == 1:
            note(self._folder / "reached", point)
        if fault := self._faults.get((point, nth)):
            note(self._folder / "fired", f"{os.getpid()} {fault} {time.time():.3f}")
            _do(fault)


def _do(fault: Fault) -> None:
    if fault.action == "raise":
        raise InjectedFaultError(str(fault))
    os.kill(os.getpid(), signal.SIGKILL if fault.action == "kill" else signal.SIGSTOP)


def note(path: Path, line: str) -> None:
    """Append one line in one write, so that processes do not mix theirs."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def noted(path: Path) -> list[str]:
    """The lines of such a file; none when nobody wrote any."""
    return path.read_text().splitlines() if path.exists() else []
