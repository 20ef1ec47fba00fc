"""Stands between a worker and a command: whatever the command started ends with it, or with the worker, whichever comes first.

A program of its own: ``python launcher.py HOME FOLDER COMMAND ARGUMENTS...``. It makes the command's HOME, starts the command in FOLDER (HOME
when empty), and removes HOME at the end. Standard input is its lifeline, a pipe that only the worker holds open: the kernel closes it when the
worker dies, however it dies. A worker that is root runs commands as nobody, so that they cannot read what is the worker's (its environment
holds the database's password). As a "child subreaper" it becomes the parent of every descendant that is orphaned, also of daemons that left the
process group, so that it finds them all.

Only quick imports here: this is the start-up time of every shell step.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_LIFELINE = 0
_NOT_FOUND = 127
_NOBODY = 65534


def main(home: str, folder: str, argv: list[str]) -> int:
    """Run the command; returns its exit code, 128 + the signal's number when one ended it."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    os.mkdir(home, 0o700)  # noqa: PTH102
    if os.geteuid() == 0:
        os.chown(home, _NOBODY, _NOBODY)
    child = os.fork()
    if child == 0:
        _become(folder or home, argv)
    status = _wait(child)
    _end_descendants()
    _remove(home)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _become(folder: str, argv: list[str]) -> None:
    try:
        _leave_root()
        os.chdir(folder)
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, _LIFELINE)
        for changed in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and children inherit that
            signal.signal(changed, signal.SIG_DFL)
        os.execv(argv[0], argv)  # noqa: S606 - the shell, if any, is what argv names
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(_NOT_FOUND)


def _leave_root() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _wait(child: int) -> int:
    """Wait for the command or for the end of the lifeline; returns the command's wait status."""
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(_LIFELINE, select.POLLIN | select.POLLHUP)
    ready = {fd for fd, _ in poll.poll()}
    if pidfd not in ready:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _end_descendants() -> None:
    """Kill until there is nobody left to wait for: a descendant that forks between two looks is found at the next."""
    while True:
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            except PermissionError:  # it changed its user; ours to wait for, not to kill
                return
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _remove(home: str) -> None:
    try:
        os.rmdir(home)  # noqa: PTH106 - most commands leave nothing in it
    except OSError:
        os.waitpid(os.posix_spawn("/bin/rm", ["rm", "-rf", "--", home], {}), 0)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    folder = f"/proc/{pid}/task"
    children: list[int] = []
    try:
        for thread in os.listdir(folder):  # noqa: PTH208 - pathlib would double the start-up time
            with open(f"{folder}/{thread}/children") as file:  # noqa: PTH123
                children += [int(child) for child in file.read().split()]
    except OSError:  # it ended meanwhile
        pass
    return children


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
