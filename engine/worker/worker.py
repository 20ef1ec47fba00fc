"""A worker process from start to stop: one incarnation after the other, for as long as it is wanted."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from engine.db.errors import BusyError, ConnectionLostError
from engine.kit.backoff import Backoff
from engine.kit.fault_points import FaultPoint, reach
from engine.services import SERVICES, container_services
from engine.worker.config import WorkerConfig
from engine.worker.inbox import Inbox, WorkHint
from engine.worker.loop import Loop
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from engine.worker.upkeep import Upkeep

_logger = logging.getLogger(__name__)
STEADY_SECONDS = 5.0  # an incarnation that lived so long did not fail at once


class Worker:
    """Executes tasks until `stop`. Promise: whatever happens to the database, it comes back and loses nothing."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._stop_asked = threading.Event()
        self._inbox = Inbox()
        self._programs = Programs()
        self._orders = Orders()

    def stop(self) -> None:
        """Claim nothing more, finish what is under way within the grace time, hand the rest back. Safe in a signal handler."""
        self._stop_asked.set()
        self._inbox.put(WorkHint())

    def run(self) -> None:
        """Work until stopped. A lost database is tried again for ever, with growing pauses."""
        backoff = Backoff(first_seconds=0.1, most_seconds=5.0)
        while not self._stop_asked.is_set():
            began = time.monotonic()
            try:
                self._incarnation()
            except (ConnectionLostError, BusyError) as error:
                _logger.warning("lost the database: %s", error)
            except Exception:
                _logger.exception("this incarnation of the worker failed; the next one takes over")
            if time.monotonic() - began > STEADY_SECONDS:
                backoff.reset()
            self._stop_asked.wait(backoff.next_seconds())

    def _incarnation(self) -> None:
        reach(FaultPoint.INCARNATION_BEGIN)
        self._inbox = Inbox()  # answers of an earlier identity's calls are nobody's
        executor = ThreadPoolExecutor(self._config.slots, thread_name_prefix="slot")
        try:
            loop = Loop(self._config, self._inbox, executor, self._programs, self._orders)
            sets = (SERVICES, container_services(self._config.runners.docker))
            upkeeps = [Upkeep(self._config.dsn, loop.worker_id, services) for services in sets if services]
            _logger.info(
                "worker %s is ready: queues %s, %d slots",
                self._config.name,
                ", ".join((*self._config.run_queues, *self._config.activity_queues)),
                self._config.slots,
            )
            try:
                self._work(loop)
                self._drain(loop)
            finally:
                self._orders = loop.orders
                for upkeep in upkeeps:
                    upkeep.close()
                loop.close()
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _work(self, loop: Loop) -> None:
        """Until it is told to stop, by a signal or by an operator who drains it: then it takes its time to become empty."""
        while not self._stop_asked.is_set():
            loop.turn()
            if loop.orders.state == "draining" and loop.is_empty:
                self._stop_asked.set()

    def _drain(self, loop: Loop) -> None:
        reach(FaultPoint.DRAIN_BEGIN)
        loop.drain()
        until = time.monotonic() + self._config.grace_seconds
        while not loop.is_empty and time.monotonic() < until:
            loop.turn()
        if not loop.is_empty:
            reach(FaultPoint.DRAIN_HAND_BACK)
            loop.hand_back_all()
        reach(FaultPoint.SHUTDOWN_END)
        _logger.info("worker %s has stopped", self._config.name)
