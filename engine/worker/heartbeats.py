"""What the database is told of running activities, once a second, in one statement for all: the liveness thread's part of their heartbeats.

An activity whose tool sends heartbeats is reported when it has sent one, at most once a second; for all others the worker's own life is the sign
of life, told more seldom. So an activity with a heartbeat limit and a tool that knows nothing of heartbeats is taken from a worker that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from engine.db.connection import Connection
from engine.durable.pulse import Pulse
from engine.model.activity import Ack, Beat
from engine.model.task import ClaimedTask
from engine.queue.heartbeats import report

SIGN_OF_LIFE_SECONDS = 10.0  # how often the worker speaks for an activity that does not speak for itself


class Pulsing(Protocol):
    """A running attempt of an activity, as it is seen here."""

    @property
    def task(self) -> ClaimedTask: ...
    @property
    def pulse(self) -> Pulse: ...
    @property
    def attempt(self) -> int: ...
    @property
    def began(self) -> float | None: ...
    @property
    def heartbeat_seconds(self) -> float | None: ...
    @property
    def beats_itself(self) -> bool: ...


class Heartbeats:
    """Remembers what was told, so that only news is written. Used by one thread."""

    def __init__(self, worker_id: UUID) -> None:
        self._worker_id = worker_id
        self._told: dict[tuple[UUID, int, int], float] = {}

    def tell(self, connection: Connection, running: Sequence[Pulsing]) -> None:
        """Report what is new. That an activity shall stop, or that its claim is lost, is the loop's to find out, which looks after each beat: a body
        that ended before the loop knows why would count as failed.
        """
        now = time.monotonic()
        self._told = {place: at for place, at in self._told.items() if place in {_place(each) for each in running}}
        news = {each.task.task_id: (each, beat) for each in running if (beat := self._news(each, now)) is not None}
        for ack in report(connection, [(each.task, beat) for each, beat in news.values()], self._worker_id):
            self._heard(news[ack.task_id][0], ack, now)

    def _news(self, running: Pulsing, now: float) -> Beat | None:
        if running.began is None:
            return None
        since = now - running.began
        if taken := running.pulse.take():
            at, details = taken
            return Beat(running.attempt, since, max(0.0, now - at), own=True, details=details)
        told_at = self._told.get(_place(running))
        if told_at is None:
            return Beat(running.attempt, since)
        every = min(SIGN_OF_LIFE_SECONDS, (running.heartbeat_seconds or SIGN_OF_LIFE_SECONDS) / 3)
        if running.beats_itself or now - told_at < every:
            return None
        return Beat(running.attempt, since, 0.0)

    def _heard(self, running: Pulsing, ack: Ack, now: float) -> None:
        if ack.written:
            self._told[_place(running)] = now
        elif not ack.lost:
            running.pulse.put_back()  # somebody held its row: with the next beat


def _place(running: Pulsing) -> tuple[UUID, int, int]:
    return running.task.task_id, running.task.epoch, running.attempt
