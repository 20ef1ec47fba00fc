"""The default sandbox: bubblewrap, with namespaces, limits and a system call filter around each program."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections.abc import Callable, Iterator

from engine.kit.bounded_process import Bounds, Ended, Process, Started, Stopped, kill_group, run_bounded
from engine.ports import Cancelled, SandboxJob, SandboxResult
from sandbox.command import Descriptors, sandbox_command
from sandbox.errors import SandboxUnavailable
from sandbox.footprint import takes_too_much
from sandbox.mounts import private_mounts
from sandbox.seccomp import seccomp_filter

_CPU_EXCEEDED = 128 + signal.SIGXCPU
_GONE_SECONDS = 5.0


class BubblewrapSandbox:
    """Runs Python programs behind bubblewrap, as root or not. Holds nothing between runs; threads may share one."""

    def run(
        self, job: SandboxJob, cancelled: Cancelled | None = None, note: Callable[[int], None] | None = None
    ) -> SandboxResult:
        """Run a program to its end or to the first bound it meets; nothing of it survives the call.

        Raises `SandboxUnavailable` when this machine cannot sandbox, never for what the program did.
        """
        with contextlib.ExitStack() as stack:
            return _Run(job, stack).run(cancelled, note)

    def check(self) -> None:
        """Prove that a program runs here and is held. Raises `SandboxUnavailable` with one line that says what to do."""
        result = self.run(SandboxJob(_SELF_TEST))
        if result.stdout.strip() != "held":
            raise SandboxUnavailable(f"the sandbox does not hold: {(result.stdout + result.stderr).strip()[-300:]}")


_SELF_TEST = """
import os, socket
def refused(attempt, *arguments):
    try:
        attempt(*arguments)
    except OSError:
        return True
problems = [] if os.getuid() == 65534 else ["it runs as a privileged user"]
problems += [] if refused(open, "/usr/held", "w") else ["it can write to the system"]
problems += [] if refused(socket.socket, socket.AF_INET) else ["it can open network sockets"]
problems += [] if refused(os.listdir, "/home") else ["it sees home folders"]
print("; ".join(problems) or "held")
"""


class _Run:
    """One program: its file descriptors, its process, its verdict."""

    def __init__(self, job: SandboxJob, stack: contextlib.ExitStack) -> None:
        self._job = job
        files = {"program.py": job.program.encode(), **{_plain(name): content for name, content in job.files.items()}}
        self._stdin = stack.enter_context(_memory_file("stdin", job.stdin.encode()))
        self._fds = Descriptors(
            files={name: stack.enter_context(_memory_file(name, content)) for name, content in files.items()},
            info=stack.enter_context(_memory_file("info", b"")),
            status=stack.enter_context(_memory_file("status", b"")),
            seccomp=stack.enter_context(_memory_file("filter", _filter())),
            channel=job.channel,
        )

    def run(self, cancelled: Cancelled | None, note: Callable[[int], None] | None) -> SandboxResult:
        limits = self._job.limits
        bounds = Bounds(limits.output_bytes, when_flooded="stop", wall_seconds=limits.wall_seconds)
        ended = run_bounded(self._started(), bounds, cancelled=cancelled, stop=self._stop, watch=self._watch, note=note)
        self._wait_until_gone()
        if not ended.stopped and b'"exit-code"' not in _content(self._fds.status):
            raise SandboxUnavailable(_setup_problem(ended))
        return SandboxResult(
            returncode=ended.returncode,
            stdout=ended.stdout.text(),
            stderr=ended.stderr.text(),
            killed=ended.stopped or ("cpu" if ended.returncode == _CPU_EXCEEDED else ""),
        )

    def _started(self) -> Started:
        command = sandbox_command(private_mounts(self._job.modules, self._job.folders), self._fds, self._job.limits)
        passed = [*self._fds.files.values(), self._fds.info, self._fds.status, self._fds.seccomp]
        if self._fds.channel is not None:
            passed.append(self._fds.channel)
        return Started(argv=command, env={}, stdin=self._stdin, pass_fds=passed)

    def _stop(self, process: Process) -> None:
        """Kill the first process of the sandbox's process namespace: the kernel takes all others with it, and bubblewrap ends after them."""
        first = self._first_pid()
        if first is None:
            kill_group(process)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)

    def _watch(self) -> Stopped:
        first = self._first_pid()
        return "memory" if first is not None and takes_too_much(first, self._job.limits) else ""

    def _wait_until_gone(self) -> None:
        """When the program ends by itself, bubblewrap may be gone a moment before the processes that the program left behind."""
        first = self._first_pid()
        if first is None:
            return
        try:
            pidfd = os.pidfd_open(first)
        except ProcessLookupError:
            return
        try:
            select.select([pidfd], [], [], _GONE_SECONDS)
        finally:
            os.close(pidfd)

    def _first_pid(self) -> int | None:
        """The first process of the sandbox; None before bubblewrap has told it, which it does in several writes."""
        try:
            told = json.loads(_content(self._fds.info))
        except ValueError:
            return None
        return int(told["child-pid"])


def _plain(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(f"a file of a sandbox job needs a plain name, not {name!r}")
    return name


def _filter() -> bytes:
    try:
        return seccomp_filter()
    except LookupError as error:
        raise SandboxUnavailable(f"the sandbox cannot run on this machine: {error.args[0]}") from None


def _setup_problem(ended: Ended) -> str:
    lines = ended.stderr.text().strip().splitlines()
    said = lines[0] if lines else f"exit code {ended.returncode}"
    return (
        f"bubblewrap cannot start ({said}): allow unprivileged user namespaces "
        "(sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns; in a container: its seccomp profile)"
    )


def _content(fd: int) -> bytes:
    return os.pread(fd, 65_536, 0)  # by position: the offset is shared with whoever writes


@contextlib.contextmanager
def _memory_file(name: str, content: bytes) -> Iterator[int]:
    fd = os.memfd_create(name)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
