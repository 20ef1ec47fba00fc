"""What the worker has asked of the database and not heard yet, so that it can think while the database works."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from uuid import UUID

from engine.db.connection import Connection, Cursor, connect, cursor
from engine.db.errors import ConnectionLostError, DatabaseError, translate, translated
from engine.kit.json_text import NotJsonError
from engine.orchestrator.session import Session
from engine.queue.claims import Catch, Look
from engine.queue.commit import CommitResult, GroupCommit, commit, commit_apart
from engine.worker.config import WorkerConfig

_logger = logging.getLogger(__name__)
LOCK_SECONDS = 0.5  # how long a group commit waits for a row that somebody holds: all other tasks wait with it


def open_connection(config: WorkerConfig) -> Connection:
    """The one connection that all flights of a worker take."""
    name = f"highway worker {config.name}"
    return connect(config.dsn, name=name, lock_seconds=LOCK_SECONDS, whole_seconds=config.whole_seconds, plan_once=True)


class Flight:
    """One round trip: the group commit of some sessions, a look for work, or both. The connection is not to be used for anything else until it is received.

    A look is made after the group, whose ends may have made something claimable; an urgent one before it, so that who comes waits for no group that was
    thought about meanwhile. Each is a transaction of its own.

    Raises `ConnectionLostError` where it is unknown what became of it.
    """

    def __init__(self, connection: Connection, worker_id: UUID, sessions: Sequence[Session], look: Look | None) -> None:
        self.sessions = sessions
        self.look = look
        self._connection = connection
        self._worker_id = worker_id
        self._batch = [session.writes for session in sessions]
        self._group: GroupCommit | None = None
        self._written: Cursor | None = None  # the end of the group's transaction
        self._looked: Cursor | None = None  # that of the look's
        self._apart: CommitResult | None = None  # of writes that were not taken together
        self._error: DatabaseError | NotJsonError | None = None
        self._pipeline = ExitStack()
        self.task_ids = {session.task.task_id for session in sessions}
        try:
            self._group = GroupCommit(self._batch, worker_id) if sessions else None
        except NotJsonError as error:
            self._error = error

    def start(self) -> None:
        """Send everything, and do not wait: the database does each statement as it comes, and keeps its answers until the pipeline is closed.

        Both transactions are named for that: the end of the pipeline, which would end them, comes only then.
        """
        if self._error:
            return
        try:
            self._pipeline.enter_context(self._connection.pipeline())
            if self.look and self.look.is_urgent:
                self._looked = self._send(self.look)
            if self._group:
                self._written = self._send(self._group)
            if self.look and not self.look.is_urgent:
                self._looked = self._send(self.look)
        except DatabaseError as error:
            self._error = error

    def receive(self) -> None:
        """Wait for the answers, and do whatever else of it needs the connection, so that the next flight can take it."""
        try:
            self._pipeline.close()
        except DatabaseError as error:
            self._error = self._error or error
        self._leave_transaction()
        if self.look and self._blames_look():
            _logger.warning("nothing could be claimed now: %s", self._error)
        self._see_to_commit()
        if self.look and _is_committed(self._looked):
            with translated():
                self.look.receive(self._connection)

    def result(self) -> CommitResult:
        """What became of each session's writes."""
        if self._apart is not None:
            return self._apart
        return self._group.result() if self._group else CommitResult()

    def catch(self) -> Catch | None:
        """What the look gave; None when it could not be made."""
        return self.look.catch() if self.look and _is_committed(self._looked) else None

    def _send(self, part: GroupCommit | Look) -> Cursor:
        cursor(self._connection).execute(b"BEGIN")
        part.send(self._connection)
        return cursor(self._connection).execute(b"COMMIT")

    def _leave_transaction(self) -> None:
        """What was sent of it after an error was ignored, and so was its COMMIT."""
        if not isinstance(self._error, DatabaseError):
            return
        if isinstance(lost := translate(self._error), ConnectionLostError):
            raise lost from self._error
        with translated():
            self._connection.rollback()

    def _see_to_commit(self) -> None:
        if not self._batch or _is_committed(self._written):
            return
        if self._error is None:
            raise ConnectionLostError("a commit was not answered")
        if self._blames_look():
            self._apart = commit(self._connection, self._batch, self._worker_id)
        else:
            self._apart = commit_apart(self._connection, self._batch, self._worker_id, self._error)

    def _blames_look(self) -> bool:
        """Whether the error was the look's: it comes before the group or behind it, and what comes behind an error is not done."""
        if self.look is None or self._error is None or _is_committed(self._looked):
            return False
        return self.look.is_urgent or not self._batch or _is_committed(self._written)


def _is_committed(end: Cursor | None) -> bool:
    return end is not None and end.statusmessage == "COMMIT"
