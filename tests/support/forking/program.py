"""A program that has loaded modules and forks a child for each request: ``python -m tests.support.forking.program MODULE...``.

Reads lines of JSON (`Request`) and answers each with the child's process id. It has one thread, so that its children inherit nothing
half done; they get the signal that they ask for when it dies, and it dies with whoever started it. A child becomes an ordinary program:
it leaves the server's loop, so that whatever a program does at its end is done, and how it ended is written to a file.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any, TypedDict

from launch.process import leash

_exits: dict[int, Path] = {}  # where the end of each child is told


class Request(TypedDict):
    """What a child shall be: a command line of this interpreter, or a function of a module with its arguments."""

    command: list[str]
    call: str
    arguments: dict[str, Any]
    environment: dict[str, str] | None  # None: the server's
    out: str
    err: str
    exit: str
    death_signal: int


def main(modules: list[str]) -> None:
    """Serve until the input ends; in a child, be what was asked for."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # else each child copies all that is loaded as soon as it collects garbage
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    request = _serve()
    if request is not None:
        _become(request)


def _serve() -> Request | None:
    """Returns in a child, with what it shall be, and at the end of the input."""
    for line in sys.stdin:
        request: Request = json.loads(line)
        pid = _fork(request)
        if pid == 0:
            return request
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    return None


def _fork(request: Request) -> int:
    attach = leash(signal.Signals(request["death_signal"]))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # it may end before its number is noted
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        attach()
    else:
        _exits[pid] = Path(request["exit"])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return pid


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        end = _exits.pop(pid)
        unfinished = end.with_suffix(".part")
        unfinished.write_text(str(os.waitstatus_to_exitcode(status)))
        unfinished.rename(end)


def _become(request: Request) -> None:
    os.setpgid(0, 0)
    _take_over(0, os.open(os.devnull, os.O_RDONLY))
    for own, name in ((1, request["out"]), (2, request["err"])):
        _take_over(own, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    sys.stdout, sys.stderr = os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
    if request["environment"] is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
        if "tests.support.forking.platform" in sys.modules:
            sys.modules["tests.support.forking.platform"].settle()
    if request["call"]:
        module, function = request["call"].split(":")
        getattr(importlib.import_module(module), function)(**request["arguments"])
    else:
        _run(request["command"])


def _take_over(own: int, opened: int) -> None:
    os.dup2(opened, own)
    os.close(opened)


def _run(command: list[str]) -> None:
    """What the interpreter does for ``python -m module ...`` and for ``python file ...``."""
    if command[1] == "-m":
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command[1:]
        runpy.run_path(command[1], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
