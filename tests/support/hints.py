"""Workers that are known to the database and execute nothing, and what is said on the channels."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from engine.db.queries import load

WORK, CONTROL = "highway_work", "highway_control"
_workers = load("worker")


class Heard:
    """What came over the channels since the last question."""

    def __init__(self, listener: psycopg.Connection[Any]) -> None:
        self._listener = listener
        for channel in (WORK, CONTROL):
            listener.execute(f"LISTEN {channel}")

    def __call__(self) -> list[tuple[str, str]]:
        # What was sent by now stands before the answer to this: no need to wait for what does not come.
        self._listener.execute("SELECT 1")
        return [(hint.channel, hint.payload) for hint in self._listener.notifies(timeout=0)]


def register(connection: psycopg.Connection[Any], worker_id: UUID) -> None:
    """A worker's row, as one that listens. Nobody holds its lock."""
    _workers.register.run(
        connection,
        worker_id=worker_id,
        name="hinted",
        lock_key=worker_id.int & (2**62 - 1),
        queues=["default", "default:activities"],
        slots=4,
        code_version="",
        lease_seconds=60,
        capacity=10,
        state="active",
        reason="",
        capacity_override=None,
        batch_override=None,
    )


def listen(connection: psycopg.Connection[Any], worker_id: UUID, listens: bool) -> None:
    """Whether it is to be told of work."""
    _workers.listen.run(connection, worker_id=worker_id, listens=listens)
