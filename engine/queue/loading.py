"""Loading what is durable about claimed tasks, and the programs that they follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import UUID

from engine.db.connection import Connection, Cursor, cursor
from engine.db.errors import translated
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.model.activity import ActivityPast, FailedAttempt
from engine.model.errors import StepError
from engine.model.facts import Recorded, WaitOver
from engine.model.json import Json, JsonObject
from engine.model.task import ClaimedTask, Loaded
from engine.model.undo import Undo
from engine.queue.payloads import Contents, fetch, references, unpack
from engine.queue.waits import add_wait

_sql = load("task")
_activities = load("activity")
Memory = Mapping[str, Any]  # what `highway.recall` tells of a task


def load_definition(connection: Connection, *, tenant_id: UUID, definition_hash: str) -> Json:
    """The stored definition, or None when it is gone."""
    row = _sql.load_definition.one(connection, tenant_id=tenant_id, definition_hash=definition_hash)
    return row["definition"] if row else None


def load_tasks(
    connection: Connection, tasks: Sequence[ClaimedTask], memories: Mapping[UUID, Memory] | None = None
) -> dict[UUID, Loaded]:
    """Everything durable about re-entered tasks, in one round trip; fresh runs have nothing to load, nor has a task whose memory came with its claim."""
    known = memories or {}
    loaded = {task.task_id: _remembered(known.get(task.task_id, {})) for task in tasks}
    # A fork leaves variables.
    again = [task for task in tasks if (task.attempt > 1 or task.kind != "workflow") and task.task_id not in known]
    if again:
        reach(FaultPoint.LOAD_CHECKPOINTS)
        _load_rows(connection, again, loaded)
    _load_undo(connection, tasks, loaded)
    return loaded


def _remembered(memory: Memory) -> Loaded:
    loaded = Loaded()
    loaded.recorded += map(_recorded, memory.get("steps", ()))
    loaded.variables.update((row["name"], row["value"]) for row in memory.get("variables", ()))
    for row in memory.get("waits", ()):
        add_wait(loaded, row)
    if past := memory.get("past"):
        loaded.past = _past(past)
    return loaded


def _load_rows(connection: Connection, tasks: Sequence[ClaimedTask], loaded: Mapping[UUID, Loaded]) -> None:
    scopes = {
        "tenant_ids": [task.tenant_id for task in tasks],
        "run_ids": [task.workflow_run_id for task in tasks],
        "scopes": [task.key for task in tasks],
    }
    with translated(), connection.pipeline():
        checkpoints = _sql.load_checkpoints.send(cursor(connection), **scopes)
        variables = _sql.load_variables.send(cursor(connection), **scopes)
        waits = _sql.load_waits.send(
            cursor(connection), tenant_ids=scopes["tenant_ids"], task_ids=[task.task_id for task in tasks]
        )
        pasts = _load_pasts(connection, [task for task in tasks if task.kind == "activity"])
    by_scope = {(task.workflow_run_id, task.key): loaded[task.task_id] for task in tasks}
    for row in checkpoints:
        by_scope[row["workflow_run_id"], row["scope"]].recorded.append(_recorded(row))
    for row in variables:
        by_scope[row["workflow_run_id"], row["scope"]].variables[row["name"]] = row["value"]
    for row in waits:
        add_wait(loaded[row["task_id"]], row)
    for row in pasts or ():
        loaded[row["task_id"]].past = _past(row)


def _load_undo(connection: Connection, tasks: Sequence[ClaimedTask], loaded: dict[UUID, Loaded]) -> None:
    undoing = [task for task in tasks if task.phase == "undoing"]
    if not undoing:
        return
    runs = {"tenant_ids": [task.tenant_id for task in undoing], "run_ids": [task.workflow_run_id for task in undoing]}
    with translated(), connection.pipeline():
        registered = _sql.load_undo.send(cursor(connection), **runs)
        forks = _sql.load_open_forks.send(cursor(connection), **runs)
    for row in registered:
        loaded[row["workflow_run_id"]].undo.append(Undo(row["scope"], row["step_key"], row["call"]))
    for row in forks:
        loaded[row["workflow_run_id"]].open_forks = row["open_forks"]


def _load_pasts(connection: Connection, activities: Sequence[ClaimedTask]) -> Cursor | None:
    if not activities:
        return None
    return _activities.load.send(
        cursor(connection),
        tenant_ids=[task.tenant_id for task in activities],
        task_ids=[task.task_id for task in activities],
    )


def load_waits(connection: Connection, tasks: Iterable[ClaimedTask]) -> dict[UUID, Loaded]:
    """The open waits of tasks that are being executed: what has come while they were busy."""
    held = list(tasks)
    loaded = {task.task_id: Loaded() for task in held}
    for row in _sql.load_waits.many(
        connection, tenant_ids=[task.tenant_id for task in held], task_ids=[task.task_id for task in held]
    ):
        add_wait(loaded[row["task_id"]], row)
    contents = fetch_payloads(connection, held, loaded)
    return {task.task_id: with_payloads(task, loaded[task.task_id], contents)[1] for task in held}


def fetch_payloads(connection: Connection, tasks: Iterable[ClaimedTask], loaded: Mapping[UUID, Loaded]) -> Contents:
    """What the rows of these tasks refer to and do not hold themselves; no round trip when they hold everything."""
    return fetch(
        connection,
        (
            (task.tenant_id, digest)
            for task in tasks
            for value in (task.inputs, task.context, *_values(loaded[task.task_id]))
            for digest in references(value)
        ),
    )


def with_payloads(task: ClaimedTask, loaded: Loaded, contents: Contents) -> tuple[ClaimedTask, Loaded]:
    """The task and what is loaded of it, whole. Raises `LookupError` when a payload is gone."""
    if not contents:
        return task, loaded
    whole = partial(unpack, task.tenant_id, contents=contents)
    inputs, context = cast(JsonObject, whole(task.inputs)), cast(JsonObject, whole(task.context))
    return replace(task, inputs=inputs, context=context), replace(
        loaded,
        recorded=[replace(step, result=whole(step.result)) for step in loaded.recorded],
        over=[replace(over, payload=_each(loaded, over, whole)) for over in loaded.over],
        variables={name: whole(value) for name, value in loaded.variables.items()},
    )


def _values(loaded: Loaded) -> Iterator[Json]:
    yield from (step.result for step in loaded.recorded)
    yield from loaded.variables.values()
    stored: list[Json] = []

    def note(value: Json) -> Json:
        stored.append(value)
        return value

    for over in loaded.over:
        _each(loaded, over, note)
    yield from stored


def _each(loaded: Loaded, over: WaitOver, change: Callable[[Json], Json]) -> Json:
    """A payload, each value of it changed that was stored by itself: of awaited tasks the end of each, else the whole."""
    is_tasks = any(wait.key == over.key and wait.kind == "tasks" for wait in loaded.waiting)
    if is_tasks and isinstance(over.payload, dict):
        return {key: change(entry) for key, entry in over.payload.items()}
    return change(over.payload)


def _past(row: Mapping[str, Any]) -> ActivityPast:
    failed = FailedAttempt.from_json(row["failed_attempt"]) if row["failed_attempt"] else None
    return ActivityPast(row["details"], failed)


def _recorded(row: Mapping[str, Any]) -> Recorded:
    error = StepError.from_json(row["error"]) if row["error"] else None
    return Recorded(row["step_key"], row["operator"], row["outcome"], row["result"], error)
