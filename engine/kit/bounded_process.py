"""Run one program within bounds: its time, its output, and whatever else a caller watches. Blocks the calling thread."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Process = subprocess.Popen[bytes]
Stopped = Literal["", "wall", "output", "memory", "cancelled"]

# How long a stopped program may take to be gone before its whole group is killed with SIGKILL.
STOP_GRACE_SECONDS = 5.0
_CHUNK_BYTES = 65_536
_PIPE_CHUNKS = 16  # what a pipe can hold at most, unless root raised /proc/sys/fs/pipe-max-size


class Cancelled(Protocol):
    """The part of a cancellation that is needed here; callbacks may come from any thread."""

    def is_set(self) -> bool: ...
    def on_set(self, callback: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """``output_bytes`` holds for each of stdout and stderr; what is beyond it stops the program or is dropped."""

    output_bytes: int
    when_flooded: Literal["stop", "drop"]
    wall_seconds: float | None = None
    watch_seconds: float = 0.05


@dataclass(frozen=True, slots=True)
class Started:
    """How to start it. The program gets a session of its own and no file descriptors but these."""

    argv: Sequence[str]
    env: Mapping[str, str]
    stdin: int = subprocess.DEVNULL
    pass_fds: Sequence[int] = ()


@dataclass(slots=True)
class Output:
    """What was kept of one stream, and how much was read beyond it."""

    kept: bytearray = field(default_factory=bytearray)
    dropped_bytes: int = 0

    def text(self) -> str:
        """As text; what is not UTF-8 becomes the replacement character."""
        return self.kept.decode(errors="replace")


@dataclass(slots=True)
class Ended:
    """How it ended. ``stopped`` names the bound that ended it; a negative return code is the signal that did, as in `subprocess`."""

    returncode: int = 0
    stdout: Output = field(default_factory=Output)
    stderr: Output = field(default_factory=Output)
    stopped: Stopped = ""


def kill_group(process: Process) -> None:
    """Kill the program and every process that stayed in its group. Only before the program was waited for: its number is its own until then."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def run_bounded(
    started: Started,
    bounds: Bounds,
    *,
    cancelled: Cancelled | None = None,
    stop: Callable[[Process], None] = kill_group,
    watch: Callable[[], Stopped] | None = None,
    note: Callable[[int], None] | None = None,
) -> Ended:
    """Run to the end, or until a bound, the watch or a cancel stops it. Returns when the program and its group are gone.

    ``note`` is told the number of the process, which is that of its group, too.
    ``stop`` asks the program to end; after a grace time its group is killed. ``watch`` is asked regularly for a reason to stop.
    """
    with subprocess.Popen(
        started.argv,
        env=started.env,
        stdin=started.stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=started.pass_fds,
        start_new_session=True,
    ) as process:
        try:
            if note is not None:
                note(process.pid)
            return _Loop(process, bounds, stop, watch).run(cancelled)
        except BaseException:
            kill_group(process)
            raise


class _Wake:
    """A file descriptor that becomes readable when `set` is called; calls that come after `close` do nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def set(self) -> None:
        with self._lock:
            if self.fd >= 0:
                os.eventfd_write(self.fd, 1)

    def close(self) -> None:
        with self._lock:
            os.close(self.fd)
            self.fd = -1


class _Loop:
    """Reads, counts and watches until the process is gone."""

    def __init__(
        self, process: Process, bounds: Bounds, stop: Callable[[Process], None], watch: Callable[[], Stopped] | None
    ) -> None:
        self._process = process
        self._bounds = bounds
        self._stop = stop
        self._watch = watch
        self._ended = Ended()
        self._deadline = None if bounds.wall_seconds is None else time.monotonic() + bounds.wall_seconds
        self._kill_at: float | None = None
        self._gone = False

    def run(self, cancelled: Cancelled | None) -> Ended:
        wake, pidfd = _Wake(), os.pidfd_open(self._process.pid)
        try:
            if cancelled is not None:
                cancelled.on_set(wake.set)
            with selectors.DefaultSelector() as selector:
                self._read_until_gone(selector, wake, pidfd)
        finally:
            wake.close()
            os.close(pidfd)
        kill_group(self._process)
        self._ended.returncode = self._process.wait()
        return self._ended

    def _read_until_gone(self, selector: selectors.BaseSelector, wake: _Wake, pidfd: int) -> None:
        streams = {self._process.stdout: self._ended.stdout, self._process.stderr: self._ended.stderr}
        for stream, output in streams.items():
            assert stream is not None  # noqa: S101 - both are pipes
            os.set_blocking(stream.fileno(), False)
            selector.register(stream.fileno(), selectors.EVENT_READ, output)
        selector.register(wake.fd, selectors.EVENT_READ)
        selector.register(pidfd, selectors.EVENT_READ)
        while not self._gone:
            for key, _ in selector.select(self._pause()):
                if key.fd == pidfd:
                    self._gone = True
                elif key.fd == wake.fd:
                    selector.unregister(wake.fd)
                    self._stop_for("cancelled")
                elif not self._read(key.fd, key.data):
                    selector.unregister(key.fd)
            self._check()
        self._drain(selector)

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Take what the program left in its pipes, and no more: whoever still holds them open is not waited for."""
        for key in list(selector.get_map().values()):
            if key.data is not None:
                for _ in range(_PIPE_CHUNKS):
                    if not self._read(key.fd, key.data):
                        break

    def _read(self, fd: int, output: Output) -> bool:
        """Read once; False when there is nothing (more)."""
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        room = self._bounds.output_bytes - len(output.kept)
        output.kept += chunk[:room]
        if len(chunk) > room:
            output.dropped_bytes += len(chunk) - room
            if self._bounds.when_flooded == "stop":
                self._stop_for("output")
        return bool(chunk)

    def _pause(self) -> float | None:
        """How long nothing needs a look, if nothing happens; None for as long as it takes."""
        if self._kill_at is not None:
            until = self._kill_at
        elif self._watch is not None:
            return self._bounds.watch_seconds
        elif self._deadline is not None:
            until = self._deadline
        else:
            return None
        return None if math.isinf(until) else max(0.0, until - time.monotonic())

    def _check(self) -> None:
        if self._kill_at is not None:
            if time.monotonic() >= self._kill_at:
                self._kill_at = math.inf
                kill_group(self._process)
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self._stop_for("wall")
        elif self._watch is not None and (reason := self._watch()):
            self._stop_for(reason)

    def _stop_for(self, reason: Stopped) -> None:
        if self._ended.stopped:
            return
        self._ended.stopped = reason
        if not self._gone:
            self._kill_at = time.monotonic() + STOP_GRACE_SECONDS
            self._stop(self._process)
