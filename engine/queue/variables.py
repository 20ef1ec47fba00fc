"""Variables with their versions: what is read here is compared, by who writes it, with what stands there then."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.model.errors import VersionConflictError
from engine.model.json import Json
from engine.model.task import ClaimedTask
from engine.queue.alone import hold, step_transaction
from engine.queue.payloads import fetch, references, unpack
from engine.queue.writes import TaskWrites

_sql = load("variable")


def read_variable(connection: Connection, task: ClaimedTask, name: str) -> tuple[Json, int] | None:
    """A variable of the task's scope and its version, which grows with each write; None when it was never set."""
    row = _sql.get.one(connection, **_place(task, name))
    if row is None:
        return None
    contents = fetch(connection, ((task.tenant_id, digest) for digest in references(row["value"])))
    return unpack(task.tenant_id, row["value"], contents), row["version"]


def write_expected(connection: Connection, writes: TaskWrites, worker_id: UUID, name: str, expected: int) -> None:
    """Commit the writes, which set the variable, if its version is the expected one (0: it was never set).

    Raises `VersionConflictError` otherwise; nothing is written then. 1. The task is held: whoever sets a variable of it holds it. 2. The version
    is read by a statement of its own, which sees what the holder before has committed. 3. The variable and its note are written.
    """
    with step_transaction(connection, writes.task, worker_id) as (_, write):
        hold(connection, writes.task)
        row = _sql.get.one(connection, **_place(writes.task, name))
        found = row["version"] if row else 0
        if found != expected:
            raise VersionConflictError(name, expected, found)
        write(writes)


def _place(task: ClaimedTask, name: str) -> dict[str, UUID | str]:
    return {
        "tenant_id": task.tenant_id,
        "workflow_run_id": task.workflow_run_id,
        "scope": task.key,
        "name": name,
    }
