"""Worker processes: one, or several forked ones; signals; the exit."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

from engine.kit.privacy import hide_from_other_processes
from engine.worker.config import WorkerConfig
from engine.worker.worker import Worker

_logger = logging.getLogger(__name__)
RESTART_SECONDS = 1.0
YOUNG_OBJECTS = 20_000  # how many more than have gone before the collector looks for cycles
TOOL_END_SECONDS = 1.0  # for tools to end after they were told to, before the process leaves without them


def run_worker(config: WorkerConfig, processes: int = 1) -> int:
    """Run one worker in this process, or several in forked ones. Returns the exit code.

    SIGTERM or SIGINT: stop within the grace time, exit 0. A second one: at once, exit 1.
    """
    hide_from_other_processes()
    _calm_collector()
    if processes <= 1:
        return _run_here(config)
    return _Family(lambda number: _run_here(replace(config, name=f"{config.name}-{number}")), processes).run()


def _calm_collector() -> None:
    """What is loaded by now stays, and need not be looked through again; and a step leaves no cycles behind, only a lot of short-lived objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def _run_here(config: WorkerConfig) -> int:
    worker = Worker(config)
    asked = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            os._exit(1)  # at once: leases and locks die with the process, others take over
        worker.stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    worker.run()
    if _slots_that_stay(TOOL_END_SECONDS):
        _logger.warning("a tool did not end when it was told to; leaving without it")
        logging.shutdown()
        os._exit(0)
    return 0


def _slots_that_stay(seconds: float) -> list[threading.Thread]:
    """Slots whose tools have not ended after so many seconds; idle ones take a moment to notice that they are not needed."""
    until = time.monotonic() + seconds
    slots = [thread for thread in threading.enumerate() if thread.name.startswith("slot")]
    for thread in slots:
        thread.join(max(0.0, until - time.monotonic()))
    return [thread for thread in slots if thread.is_alive()]


class _Family:
    """A parent that forks children, passes signals on, and replaces a child that died. One that was drained is not wanted any more."""

    def __init__(self, child: Callable[[int], int], processes: int) -> None:
        self._child = child
        self._children: dict[int, int] = {}
        self._processes = processes
        self._stopping = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on)
        for number in range(1, self._processes + 1):
            self._fork(number)
        worst = 0
        while self._children:
            pid, status = os.wait()
            number = self._children.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                worst = max(worst, abs(code))
            elif code == 0:
                _logger.info("worker process %d has left in order", number)  # somebody drained it
            else:
                _logger.warning("worker process %d ended with %d; starting it again", number, code)
                time.sleep(RESTART_SECONDS)
                if not self._stopping:
                    self._fork(number)
        return 1 if worst else 0

    def _fork(self, number: int) -> None:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = self._child(number)
            except Exception:
                _logger.exception("worker process %d failed", number)
            finally:
                logging.shutdown()
                sys.stderr.flush()
                os._exit(code)
        self._children[pid] = number

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._children:
            os.kill(pid, number)
