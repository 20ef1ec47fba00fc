"""Children that cannot outlive us, and their orderly end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child(Protocol):
    """What is asked of a child: `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code. Raises `subprocess.TimeoutExpired`."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, unless it has ended."""


def leash(death_signal: signal.Signals) -> Callable[[], None]:
    """A function for a new child to call before it becomes its program: it gets ``death_signal`` when we die, even by kill -9.

    The kernel watches the *thread* that started the child, so start children from the main thread.
    """
    parent = os.getpid()

    def attach() -> None:
        if _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
            os._exit(127)
        # The parent may have died between fork and prctl; then no signal will ever come.
        if os.getppid() != parent:
            os._exit(127)

    return attach


def stop_with_parent(death_signal: signal.Signals) -> None:
    """From now on we get ``death_signal`` when whoever started us (`make`, by a kill -9) ends, as our own children do of us."""
    _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals,
    env: dict[str, str],
    cwd: Path,
    user: int | None = None,
    group: int | None = None,
    talks: bool = False,
) -> subprocess.Popen[bytes]:
    """Start ``command`` on a leash, in a process group of its own, with what it prints appended to ``log``.

    ``talks``: only its errors go to the log, and what it says goes to our own output.
    Its own group, because Ctrl-C in a terminal goes to every process of the group: the launcher decides in what order its children stop.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=None if talks else output,
            stderr=output,
            env=env,
            cwd=cwd,
            process_group=0,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            preexec_fn=leash(death_signal),  # noqa: PLW1509 (calls prctl only: takes no lock that a thread could hold)
        )


def stop(child: Child, how: signal.Signals, patience_seconds: float) -> bool:
    """Ask ``child`` to end, once, and see to it that it does. True when it ended by itself."""
    if child.poll() is None:
        child.send_signal(how)
    return wait_or_kill(child, patience_seconds)


def wait_or_kill(child: Child, patience_seconds: float) -> bool:
    """Wait for ``child``'s end; kill its whole group when it takes too long. True when it ended by itself."""
    try:
        child.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        kill_group(child)
        child.wait()
        return False
    return True


def kill_group(child: Child) -> None:
    """Kill ``child`` and what it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
