"""Control of runs from outside: pause, resume, give a step up, kill, another start, another priority, purge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import dumps
from engine.model.json import Json, JsonObject
from engine.tools import registry
from engine.tools.errors import ToolInputError
from engine.tools.spec import bind

_sql = load("control")


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A step whose attempts are spent and that waits for a person; ``path`` names it to `resume` and `give_up`."""

    path: str
    scope: str
    key: str
    tool: str
    attempt: int
    error: JsonObject
    input: Json


class StepInputError(InvalidError):
    """Arguments that a step which waits for a person cannot take: ``path`` names the step, ``why`` what is wrong."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def pause(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, by: str = "", reason: str = "") -> str:
    """Pause a run, what it forked and its child runs; returns its status now. What a worker executes pauses at its next step boundary.

    Calls that are under way finish and are kept; deadlines go on counting. Once is enough. Raises `StateError` when it has ended.
    """
    with tenant_transaction(connection, tenant_id):
        row = _sql.pause.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, by=by, reason=reason)
    return str(row["status"]) if row else ""


def resume(
    connection: Connection,
    *,
    tenant_id: UUID,
    workflow_run_id: UUID,
    by: str = "",
    step_inputs: Mapping[str, JsonObject] | None = None,
) -> str:
    """Let a paused run go on; returns its status now. Steps whose attempts are spent get fresh ones.

    ``step_inputs`` gives such steps, by path, other arguments: ``{"args": [...], "kwargs": {...}}``, either or both, taken as they are.
    Raises `StepInputError` for arguments that the tool refuses, `InvalidError` for a step that does not wait, `StateError` when the run is not paused.
    """
    given: JsonObject = dict(step_inputs or {})
    with tenant_transaction(connection, tenant_id):
        waiting = {
            step.path: step for step in list_exhausted(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        }
        for path, edited in (step_inputs or {}).items():
            _check(path, edited, waiting.get(path))
        row = _sql.resume.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, by=by, step_inputs=dumps(given)
        )
    return str(row["status"]) if row else ""


def list_exhausted(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[Exhausted]:
    """The steps of a run that wait for a person because their attempts are spent."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.exhausted.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [
        Exhausted(
            path=row["path"],
            scope=row["scope"],
            key=row["step_key"],
            tool=row["request"]["tool"],
            attempt=row["attempt"],
            error=row["error"],
            input=row["request"]["input"],
        )
        for row in rows
    ]


def give_up(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, step: str, by: str = "") -> str:
    """Fail a step that waits for a person, by its path; returns the run's status now. Raises `StateError` when it does not wait."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.give_up.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, path=step, by=by)
    return str(row["status"]) if row else ""


def kill(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, by: str = "", reason: str = "killed"
) -> str:
    """End a run at once, in any open state and without its worker's help; returns ``cancelled``. Raises `StateError` when it has ended."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.kill.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, by=by, reason=reason)
    return str(row["status"]) if row else ""


def change_start(
    connection: Connection,
    *,
    tenant_id: UUID,
    workflow_run_id: UUID,
    at: datetime | None = None,
    delay_seconds: float | None = None,
    by: str = "",
) -> str:
    """Move the start of a run that has not started, to a time or to so many seconds from now; returns its status now. Its deadline moves along."""
    if (at is None) == (delay_seconds is None):
        raise InvalidError("give exactly one of a time and a delay")
    with tenant_transaction(connection, tenant_id):
        row = _sql.change_start.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, at=at, delay_seconds=delay_seconds, by=by
        )
    return str(row["status"]) if row else ""


def set_priority(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, priority: int, by: str = ""
) -> None:
    """Change the priority of an open run and of all its open tasks."""
    with tenant_transaction(connection, tenant_id):
        _sql.set_priority.run(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, priority=priority, by=by
        )


def purge(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> None:
    """Forget an ended run with everything about it. Answers under idempotency keys stay. Raises `StateError` while it is open."""
    with tenant_transaction(connection, tenant_id):
        _sql.purge.run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)


def _check(path: str, edited: JsonObject, step: Exhausted | None) -> None:
    """Arguments without templates are what the tool will get: it may refuse them now."""
    args, kwargs = edited.get("args"), edited.get("kwargs")
    if (
        not edited.keys() <= {"args", "kwargs"}
        or not isinstance(args, list | None)
        or not isinstance(kwargs, dict | None)
    ):
        raise StepInputError(path, "give args as an array, kwargs as an object, and nothing else")
    spec = registry.get(step.tool) if step else None
    if step is None or spec is None:
        return  # the database says which step does not wait; a tool that is not known here may be known to a worker
    before = step.input if isinstance(step.input, dict) else {}
    args = before.get("args") if args is None else args
    kwargs = before.get("kwargs") if kwargs is None else kwargs
    try:
        bind(spec, cast(list[Json], args or []), cast(JsonObject, kwargs or {}))
    except ToolInputError as error:
        raise StepInputError(path, str(error)) from error
