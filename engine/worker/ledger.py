"""`engine.durable.ledger.Ledger` of one call: notes go into the loop's next group commit, and the call waits for that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from engine.db.errors import BusyError
from engine.db.pool import Pool
from engine.db.queries import load
from engine.durable.cancellation import Cancellation
from engine.durable.tool_context import LogLine
from engine.model.commands import CallTool, Record
from engine.model.facts import Recorded, ToolNoted
from engine.model.json import Json
from engine.model.notes import Note
from engine.model.task import ClaimedTask
from engine.ports import Transaction
from engine.queue.alone import before_commit, step_transaction
from engine.queue.variables import read_variable, write_expected
from engine.queue.writes import RecordWrite, TaskWrites
from engine.tools.errors import ToolCancelled
from engine.worker.inbox import CallNoted, Inbox

_logger = logging.getLogger(__name__)
_sql = load("worker")
T = TypeVar("T")
TRIES = 3  # of a transaction that met a deadlock, a lock that was held too long, or the end of its connection before its COMMIT


class _Answer:
    """The first answer that comes, from whichever thread, is the one that counts."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._lock = threading.Lock()
        self._durable = False

    def give(self, durable: bool) -> None:
        with self._lock:
            if not self._came.is_set():
                self._durable = durable
                self._came.set()

    def wait(self) -> bool:
        self._came.wait()
        return self._durable


@dataclass(slots=True)
class CallLedger:
    """Of one attempt of one call; used by its own threads, one at a time. ``logs`` are the call's lines that nobody has taken yet."""

    task: ClaimedTask
    call: CallTool
    worker_id: UUID
    inbox: Inbox
    pool: Pool
    logs: list[LogLine]
    cancelled: Cancellation

    @property
    def noted(self) -> Mapping[str, Recorded]:
        return self.call.noted

    def note(self, note: Note) -> None:
        answer = _Answer()
        self.cancelled.on_set(lambda: answer.give(False))
        self._send(note, answer.give)
        if not answer.wait():
            raise ToolCancelled

    def transact(self, name: str, work: Callable[[Transaction], Json]) -> Json:
        began = time.monotonic()
        return self._tried(name, lambda: self._transact(name, work, began))

    def variable(self, name: str) -> tuple[Json, int] | None:
        with self.pool.connection() as connection:
            return read_variable(connection, self.task, name)

    def set_variable(self, name: str, variable: str, value: Json, expected: int) -> int:
        began, version = time.monotonic(), expected + 1
        note = Note("set_variable", name, version, variables={variable: value}, committed=True)

        def write() -> None:
            with self.pool.connection() as connection:
                checkpoint = self._checkpoint(note, time.monotonic() - began)
                write_expected(connection, checkpoint, self.worker_id, variable, expected)

        self._tried(name, write)
        self._send(note, lambda _durable: None)
        return version

    def now(self) -> datetime:
        with self.pool.connection() as connection:
            row = _sql.now.one(connection)
        assert row is not None  # noqa: S101 - it has no FROM
        return cast(datetime, row["now"])

    def _tried(self, name: str, do: Callable[[], T]) -> T:
        for _ in range(TRIES - 1):
            try:
                return do()
            except BusyError as error:
                _logger.info("transaction %s of step %s is tried again: %s", name, self.call.key, error)
        return do()

    def _transact(self, name: str, work: Callable[[Transaction], Json], began: float) -> Json:
        with (
            self.pool.connection() as connection,
            step_transaction(connection, self.task, self.worker_id) as (transaction, write),
        ):
            with before_commit():
                note = Note("transaction", name, work(transaction), committed=True)
            write(self._checkpoint(note, time.monotonic() - began))
        self._send(note, lambda _durable: None)  # it is durable; the core shall know of it before the call ends
        return note.result

    def _checkpoint(self, note: Note, seconds: float) -> TaskWrites:
        key = f"{self.call.key}.{note.name}"
        record = Record(
            key, note.operator, "succeeded", note.result, attempt=self.call.attempt, variables=note.variables
        )
        return TaskWrites(self.task, records=[RecordWrite(record, seconds)])

    def _send(self, note: Note, listener: Callable[[bool], None]) -> None:
        logs = list(self.logs)
        self.logs.clear()
        fact = ToolNoted(self.call.key, note)
        self.inbox.put(CallNoted(self.task.task_id, self.task.epoch, self.call.attempt, fact, listener, logs))
