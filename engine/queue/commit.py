"""Group commit: the writes of many tasks in one transaction and one round trip, each row fenced by its own task's epoch.

A task whose epoch is stale is left out and reported so; its neighbours go through. When the database does not take the whole batch, the tasks
are committed one by one, so that only the culprit fails (its values are refused) or has to wait (somebody else holds what it needs).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from engine.db.connection import Connection, Cursor, cursor
from engine.db.errors import ConnectionLostError, DatabaseError, blames_values, translate
from engine.kit.fault_points import FaultPoint, reach
from engine.kit.json_text import NotJsonError
from engine.queue.payloads import Payloads
from engine.queue.statements import Statement, child_statement, lock_statement, slot_statement, statements
from engine.queue.writes import TaskWrites

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class CommitResult:
    """What became of each task: ``live`` (written), ``stale`` (fence lost, nothing written), ``refused`` (why its values cannot be stored),
    ``busy`` (nothing written for a reason that passes: the same writes may be tried again).
    """

    live: set[UUID] = field(default_factory=set)
    stale: set[UUID] = field(default_factory=set)
    refused: dict[UUID, str] = field(default_factory=dict)
    busy: set[UUID] = field(default_factory=set)
    cancel_requested: set[UUID] = field(default_factory=set)
    pause_requested: set[UUID] = field(default_factory=set)
    children: dict[tuple[UUID, str], UUID | None] = field(
        default_factory=dict
    )  # (task, child key) -> run id, None: no such definition, or
    too_deep: set[tuple[UUID, str]] = field(default_factory=set)  # who asks is of the last generation
    granted: set[tuple[UUID, str]] = field(default_factory=set)  # (task, step) that asked limits and may run


class GroupCommit:
    """One group commit on its way: made, sent into a pipeline, and heard when the pipeline has been emptied.

    Raises `NotJsonError` when it is made of a value that cannot be stored.
    """

    def __init__(self, batch: Sequence[TaskWrites], worker_id: UUID) -> None:
        self._batch = batch
        self._payloads = Payloads()
        self._lock = lock_statement(batch)
        self._children = child_statement(batch, self._payloads)
        self._todo = statements(batch, worker_id, self._payloads)
        self._asked = slot_statement(batch)
        self._locked: Cursor | None = None
        self._started: Cursor | None = None
        self._answers: Cursor | None = None

    def send(self, connection: Connection) -> None:
        """Send the statements, into a transaction and a pipeline of the caller's."""
        reach(FaultPoint.STEP_BEFORE_CHECKPOINT)
        self._locked = _send(connection, self._lock)
        self._payloads.store(connection)
        self._started = _send(connection, self._children) if self._children else None
        for statement in self._todo:
            _send(connection, statement)
        self._answers = _send(connection, self._asked) if self._asked else None
        reach(FaultPoint.STEP_BEFORE_COMMIT)

    def result(self) -> CommitResult:
        """What became of each task, once it is durable."""
        reach(FaultPoint.STEP_AFTER_COMMIT)
        result = CommitResult()
        rows = {row["task_id"]: row for row in self._locked or ()}
        for writes in self._batch:
            row = rows.get(writes.task.task_id)
            if row is None or row["epoch"] != writes.task.epoch or row["state"] != "running":
                result.stale.add(writes.task.task_id)
                continue
            result.live.add(writes.task.task_id)
            if row["cancel_requested"]:
                result.cancel_requested.add(writes.task.task_id)
            if row["pause_requested"]:
                result.pause_requested.add(writes.task.task_id)
        for row in self._started or ():
            where = (row["task_id"], row["key"])
            result.children[where] = row["workflow_run_id"]
            if row["is_last_generation"] and not row["workflow_run_id"]:
                result.too_deep.add(where)
        result.granted = {(row["task_id"], row["step_key"]) for row in self._answers or () if row["granted"]}
        return result


def commit(connection: Connection, batch: Sequence[TaskWrites], worker_id: UUID) -> CommitResult:
    """Write the batch durably, and wait for it. Raises `ConnectionLostError` when it is unknown whether the commit happened."""
    try:
        group = GroupCommit(batch, worker_id)
        with connection.pipeline() as pipeline, connection.transaction():
            group.send(connection)
            pipeline.sync()
        return group.result()
    except (DatabaseError, NotJsonError) as error:
        if isinstance(error, DatabaseError) and isinstance(lost := translate(error), ConnectionLostError):
            raise lost from error
        return commit_apart(connection, batch, worker_id, error)


def commit_apart(
    connection: Connection, batch: Sequence[TaskWrites], worker_id: UUID, error: DatabaseError | NotJsonError
) -> CommitResult:
    """What was not taken together, one by one: only the culprit of the error fails, or has to wait."""
    if len(batch) == 1:
        return _failed(batch[0], error)
    result = CommitResult()
    for writes in batch:
        _merge(result, commit(connection, [writes], worker_id))
    return result


def _failed(writes: TaskWrites, error: DatabaseError | NotJsonError) -> CommitResult:
    task_id = writes.task.task_id
    reason = str(error).splitlines()[0]
    if isinstance(error, NotJsonError) or blames_values(error):
        return CommitResult(refused={task_id: reason})
    _logger.warning("task %s could not be written now: %s", task_id, reason)
    return CommitResult(busy={task_id})


def _send(connection: Connection, statement: Statement) -> Cursor:
    return cursor(connection).execute(statement.query.sql, statement.parameters, prepare=True)


def _merge(into: CommitResult, other: CommitResult) -> None:
    into.live |= other.live
    into.stale |= other.stale
    into.refused |= other.refused
    into.busy |= other.busy
    into.cancel_requested |= other.cancel_requested
    into.pause_requested |= other.pause_requested
    into.children |= other.children
    into.too_deep |= other.too_deep
    into.granted |= other.granted
