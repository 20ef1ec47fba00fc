"""Group commit: the writes of many tasks in one transaction and one round trip, each row fenced by its own task's epoch.

A task whose epoch is stale is left out and reported so; its neighbours go through. When the database refuses the whole batch for one row's
sake, the tasks are committed one by one, so that only the culprit fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from engine.db.connection import Connection, Cursor, cursor
from engine.db.errors import ConnectionLostError, DatabaseError, translate
from engine.queue.statements import Statement, child_statements, lock_statement, statements
from engine.queue.writes import TaskWrites


@dataclass(slots=True)
class CommitResult:
    """What became of each task: ``live`` (written), ``stale`` (fence lost, nothing written), ``refused`` (the database's reason)."""

    live: set[UUID] = field(default_factory=set)
    stale: set[UUID] = field(default_factory=set)
    refused: dict[UUID, str] = field(default_factory=dict)
    cancel_requested: set[UUID] = field(default_factory=set)
    children: dict[tuple[UUID, str], UUID | None] = field(
        default_factory=dict
    )  # (task, step key) -> run id, None: no such definition


def commit(connection: Connection, batch: Sequence[TaskWrites], worker_id: UUID) -> CommitResult:
    """Write the batch durably. Raises `ConnectionLostError` when it is unknown whether the commit happened."""
    result = CommitResult()
    try:
        _commit_together(connection, batch, worker_id, result)
    except DatabaseError as error:
        lost = translate(error)
        if isinstance(lost, ConnectionLostError):
            raise lost from error
        if len(batch) == 1:
            return CommitResult(refused={batch[0].task.task_id: str(error).splitlines()[0]})
        result = CommitResult()
        for writes in batch:
            _merge(result, commit(connection, [writes], worker_id))
    return result


def _commit_together(
    connection: Connection, batch: Sequence[TaskWrites], worker_id: UUID, result: CommitResult
) -> None:
    todo = statements(batch, worker_id)
    children = child_statements(batch)
    with connection.pipeline() as pipeline, connection.transaction():
        locked = _send(connection, lock_statement(batch))
        for statement in todo:
            _send(connection, statement)
        started = [(where, _send(connection, statement)) for where, statement in children]
        pipeline.sync()
    fences = {(row["task_id"], row["epoch"]): row for row in locked}
    for writes in batch:
        row = fences.get((writes.task.task_id, writes.task.epoch))
        if row is None or row["state"] != "running":
            result.stale.add(writes.task.task_id)
            continue
        result.live.add(writes.task.task_id)
        if row["cancel_requested"]:
            result.cancel_requested.add(writes.task.task_id)
    for where, cur in started:
        found = cur.fetchone()
        result.children[where] = found["workflow_run_id"] if found else None


def _send(connection: Connection, statement: Statement) -> Cursor:
    return cursor(connection).execute(statement.query.sql, statement.parameters, prepare=True)


def _merge(into: CommitResult, other: CommitResult) -> None:
    into.live |= other.live
    into.stale |= other.stale
    into.refused |= other.refused
    into.cancel_requested |= other.cancel_requested
    into.children |= other.children
