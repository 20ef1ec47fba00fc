"""What is over is swept away: by one worker for all, in short turns that follow each other for as long as there is more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("sweep")
TURN_SECONDS = 0.25  # of work; the thread has other duties, such as the rescue of claims twice a second
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A service's step. Asked each second, it works every ``every_seconds``, and at once again while a turn was too short for what it found.

    ``batches`` yields how many rows each of its transactions took away, until there are no more; a measure of `highway.health` adds them up.
    """

    measure: str
    batches: Callable[[Connection], Iterator[int]]
    every_seconds: float

    def __call__(self, connection: Connection, worker_id: UUID) -> int:  # noqa: ARG002 - a service's signature
        """How many rows are gone."""
        if _sql.take_turn.one(connection, measure=self.measure, every_seconds=self.every_seconds) is None:
            return 0
        gone, is_over = _for_a_turn(self.batches(connection))
        if gone:
            _sql.count_up.run(connection, measure=self.measure, by=gone)
        if gone and not is_over:
            _sql.pass_on.run(connection, measure=self.measure, every_seconds=self.every_seconds)
        return gone


def all_from(start: UUID | None) -> tuple[tuple[UUID, UUID | None], tuple[UUID, UUID | None]]:
    """All tenants as two stretches, (behind whom, up to whom): from some one on to the last, and from the first to there.

    Where a turn ends before it has been everywhere, the next begins elsewhere, so that nobody is always behind the others.
    """
    begin = start or uuid4()
    return (begin, None), (NOBODY, begin)


def _for_a_turn(batches: Iterator[int]) -> tuple[int, bool]:
    gone, until = 0, time.monotonic() + TURN_SECONDS
    for rows in batches:
        gone += rows
        if time.monotonic() > until:
            return gone, False
    return gone, True
