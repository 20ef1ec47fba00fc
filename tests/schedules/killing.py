"""Schedulers as processes of their own, forked from a warm one, and killed without warning."""

from __future__ import annotations

import os
import signal
from uuid import uuid4

from engine.db.connection import connect
from engine.db.errors import EngineError
from engine.services.cron import fire_due_ticks

CLOCK = "CREATE TABLE IF NOT EXISTS public.trial_clock (ahead interval NOT NULL)"
_SET = "SELECT set_config('highway.now_offset', (SELECT ahead FROM public.trial_clock)::text, false)"


class Scheduler:
    """One process that does nothing but cron, at the time that the table ``trial_clock`` says."""

    def __init__(self, dsn: str) -> None:
        self._process = os.fork()
        if self._process == 0:
            _live(dsn)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def _live(dsn: str) -> None:
    worker = uuid4()
    try:
        with connect(dsn, name="trial scheduler", lock_seconds=1.0) as connection:
            while True:
                connection.execute(_SET)
                try:
                    fire_due_ticks(connection, worker)
                except EngineError:  # busy: the next round
                    continue
    finally:
        os._exit(1)
