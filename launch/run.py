"""`make run` and `make demo`: start the platform, run the golden workflow, look after everything until told to stop."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from launch import configured, preflight, process
from launch.client import Client
from launch.demo import run_demo
from launch.local import Platform
from launch.refusal import Refusal
from launch.terminal import complain, say

LOOK_SECONDS = 0.2


class Stop(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception: nothing on the way may take it for a failure."""


def main() -> int:
    """Returns the exit code: 0 stopped as asked (with ``--once``: and the result was right), 1 refused."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the web server's port on the loopback address")
    parser.add_argument("--once", action="store_true", help="stop after the demo")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        home = configured.home()
        lock = _prepare(home, arguments.port)
        platform = Platform(home, arguments.port)
    except Refusal as reason:
        complain(f"cannot start: {reason}")
        return 1
    with lock:
        return _run(platform, once=arguments.once, started=started)


def _prepare(home: Path, port: int) -> IO[str]:
    """Every check; returns the lock of the one platform that may run from ``home``."""
    preflight.check_home(home)
    preflight.check_room(home)
    preflight.check_sandbox()
    lock = (home / "run.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise Refusal(f"the platform runs already: {lock.read().strip() or 'it is just starting'}") from None
    preflight.check_port(port)
    lock.truncate(0)
    lock.write(f"http://127.0.0.1:{port}, process {os.getpid()}")
    lock.flush()
    return lock


def _run(platform: Platform, *, once: bool, started: float) -> int:
    _on_signals(_raise_stop)
    process.stop_with_parent(signal.SIGTERM)
    right = False
    try:
        say("starting the platform")
        platform.start()
        say(f"the platform runs at {platform.address} (started in {time.monotonic() - started:.1f} s)")
        right = _demo(platform)
        if not once:
            _look_after(platform)
    except Stop:
        right = not once
    except Refusal as reason:
        complain(f"stopping: {reason}")
        right = False
    finally:
        _on_signals(lambda *_: platform.kill())
        say("stopping; once more Ctrl-C to stop at once")
        platform.stop()
        say("stopped, everything is kept")
    return 0 if right else 1


def _demo(platform: Platform) -> bool:
    client = Client(platform.address, platform.key_file.read_text().strip())
    return run_demo(client, lambda run_id: f"{platform.address}/t/demo/runs/{run_id}", platform.tend)


def _look_after(platform: Platform) -> None:
    say(f"watch it at {platform.address}/t/demo/ and stop it with Ctrl-C")
    while True:
        platform.tend()
        time.sleep(LOOK_SECONDS)


def _raise_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the shape of a signal handler)
    raise Stop


def _on_signals(handler: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
