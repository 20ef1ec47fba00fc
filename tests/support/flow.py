"""Flow control by hand: runs under limits, ends of runs, slots as rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from engine.db.connection import connect
from engine.model.commands import AwaitSlots
from engine.model.flow import FlowLimit, FlowOptions
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.queue.claims import wake_due
from engine.queue.granting import grant_slots
from engine.queue.writes import Finished, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.runs import write

Result = TypeVar("Result")


def slots(limit: int, key: str = "k") -> FlowOptions:
    """At most so many runs at a time."""
    return FlowOptions(limits=(FlowLimit("concurrency", key, limit),))


def rate(limit: int, per_seconds: float, key: str = "r") -> FlowOptions:
    """At most so many starts in a time."""
    return FlowOptions(limits=(FlowLimit("rate", key, limit, per_seconds),))


def one_slot(key: str = "k", limit: int = 1) -> JsonObject:
    """What a step asks for."""
    return {"kind": "concurrency", "key": key, "limit": limit}


def asks(task: ClaimedTask, step: str, *uses: JsonObject, in_line: bool = False) -> TaskWrites:
    """A step of a claimed task registers its wait and asks its limits, in one commit."""
    ask = AwaitSlots(step, list(uses) or [one_slot()], 1, in_line)
    return TaskWrites(task, waits=[WaitWrite(step, "slot", attempt=1)], slots=[ask])


def end(database: Database, *tasks: ClaimedTask, state: Any = "completed") -> None:
    """The tasks end."""
    write(database.worker, *(TaskWrites(task, exit=Finished(state)) for task in tasks))


def grant(database: Database) -> int:
    """What a worker does when it sees that slots came free."""
    with connect(database.worker) as connection:
        return grant_slots(connection)


def wake(database: Database, later: str) -> int:
    """What a worker does after so much time."""
    with connect(database.worker) as connection:
        connection.execute(f"SET highway.now_offset = '{later}'")
        return wake_due(connection, quantity=500)[0]


def held(connection: psycopg.Connection[Any], key: str = "k") -> list[UUID]:
    """The tasks that hold slots of the key."""
    return _tasks(connection, key, "IS NOT NULL")


def in_line(connection: psycopg.Connection[Any], key: str = "k") -> list[UUID]:
    """The tasks that wait for a slot of the key, first one first."""
    return _tasks(connection, key, "IS NULL")


def _tasks(connection: psycopg.Connection[Any], key: str, granted: str) -> list[UUID]:
    query = f"SELECT task_id FROM highway.slot WHERE key = %s AND granted_at {granted} ORDER BY seq"
    return [row[0] for row in connection.execute(query, [key])]  # type: ignore[arg-type]


def at_once(work: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do all of it in as many threads, started together; an error of one is an error here."""
    gate = threading.Barrier(len(work))

    def do(part: Callable[[], Result]) -> Result:
        gate.wait()
        return part()

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(do, work))
