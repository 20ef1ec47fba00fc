"""A step that commits alone: its database work and its checkpoint in one transaction of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError, ConnectionLostError, DatabaseError, translate
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.model.task import ClaimedTask
from engine.ports import Transaction
from engine.queue.payloads import Payloads
from engine.queue.statements import lock_statement, statements
from engine.queue.writes import TaskWrites

_sql = load("counter")


class StaleClaimError(Exception):
    """The claim belongs to somebody else by now; nothing was written."""


class CounterTransaction(Transaction):
    """`engine.ports.Transaction` on an open transaction of one tenant."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    def counter_add(self, name: str, delta: int) -> int:
        row = _sql.add.one(self._connection, tenant_id=self._tenant_id, name=name, delta=delta)
        reach(FaultPoint.STEP_IN_BODY)
        return int(row["value"]) if row else 0

    def counter_get(self, name: str) -> int:
        row = _sql.get.one(self._connection, tenant_id=self._tenant_id, name=name)
        return int(row["value"]) if row else 0

    def counter_reset(self, name: str, value: int = 0) -> int:
        row = _sql.put.one(self._connection, tenant_id=self._tenant_id, name=name, value=value)
        return int(row["value"]) if row else 0


@contextmanager
def step_transaction(
    connection: Connection, task: ClaimedTask, worker_id: UUID
) -> Iterator[tuple[Transaction, Callable[[TaskWrites], None]]]:
    """A transaction of a tool, and at its end the fence and the checkpoint.

    Gives the tool's view of it, and a function that writes the checkpoint into it, to be called last: it takes the task's row, and nobody
    shall wait for that while a tool runs. Leaving normally commits, an exception rolls back. Raises `StaleClaimError` when the claim is
    stale, `BusyError` when the same may go through when it is tried again.
    """
    try:
        with connection.transaction():

            def write(writes: TaskWrites) -> None:
                reach(FaultPoint.STEP_BEFORE_CHECKPOINT)
                hold(connection, task)
                payloads = Payloads()
                todo = statements([writes], worker_id, payloads)
                payloads.store(connection)
                for statement in todo:
                    statement.query.run(connection, **statement.parameters)
                reach(FaultPoint.STEP_BEFORE_COMMIT)

            yield CounterTransaction(connection, task.tenant_id), write
        reach(FaultPoint.STEP_AFTER_COMMIT)
    except DatabaseError as error:
        raise translate(error) from error


@contextmanager
def before_commit() -> Iterator[None]:
    """For what is done in such a transaction before its checkpoint: a connection that is lost here has written nothing. That passes, and is no failure."""
    try:
        yield
    except ConnectionLostError as error:
        raise BusyError(f"its connection was lost before its COMMIT: {error}") from error


def hold(connection: Connection, task: ClaimedTask) -> None:
    """Take the task's row until the end of the transaction. Raises `StaleClaimError` when the claim is not the newest."""
    query, parameters = lock_statement([TaskWrites(task)])
    row = query.one(connection, **parameters)
    if row is None or row["epoch"] != task.epoch or row["state"] != "running":
        raise StaleClaimError(f"the claim of task {task.task_id} is stale")
