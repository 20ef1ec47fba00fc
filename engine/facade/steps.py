"""The steps of a run, as one list: what is finished, what is running, what waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.json import Json, JsonObject
from engine.model.views import Attempt, StepStatus, StepView, Wait

_sql = load("run")
_WAITING_STATUS: dict[str, StepStatus] = {
    "timer": "sleeping",
    "event": "waiting",
    "tasks": "waiting",
    "retry": "retrying",
    "signal": "waiting",
    "update": "waiting",
    "person": "waiting",
    "approval": "approval",
    "slot": "waiting",
    "lock": "waiting",
    "room": "waiting",
    "start": "waiting",
}


_ACTIVITY_STATUS: dict[str, StepStatus] = {"running": "running", "failed": "failed", "cancelled": "cancelled"}


def list_steps(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, quantity: int = 10_000
) -> list[StepView]:
    """Finished steps in the order in which they ended, then those that are running or waiting. Four queries, whatever the run's size.

    An activity that has no step of its own (yet), because no attempt has begun or its end came from outside, stands for its step.
    """
    which = {"tenant_id": tenant_id, "workflow_run_id": workflow_run_id}
    with tenant_transaction(connection, tenant_id):
        done = _sql.checkpoints.many(connection, **which, scope=None, step_key=None, after=0, quantity=quantity)
        waits = _sql.waits.many(connection, **which)
        tasks = _sql.tasks.many(connection, **which)
        failures = _sql.journal.many(connection, **which, kinds=["attempt_failed"], after=0, quantity=quantity)
    return assemble(done, waits, tasks, failures)


def assemble(done: list[Row], waits: list[Row], tasks: list[Row], failures: list[Row]) -> list[StepView]:
    """The steps that these rows tell of."""
    attempts = _attempts(failures)
    steps = {(row["scope"], row["step_key"]): _finished(row, attempts) for row in done}
    for row in waits:
        steps.setdefault((row["scope"], row["step_key"]), _waiting(row, attempts))
    for task in tasks:
        for running in task["running_steps"] or ():
            place = (task["key"], running["key"])
            if place not in steps or steps[place].wait is not None:
                steps[place] = _running(task, running, attempts)
    begun = {scope for scope, _ in steps}
    for task in tasks:
        if task["kind"] == "activity" and task["key"] not in begun:
            steps[task["key"], task_id_of(task["key"])] = _queued(task)
    return [step for step in steps.values() if not step.key.startswith("@")]


def run_result(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> JsonObject:
    """What the run's own steps gave: task id -> result, of all that succeeded outside of loops and branches."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.checkpoints.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            scope="",
            step_key=None,
            after=0,
            quantity=10_000,
        )
    return {
        row["step_key"]: row["result"]
        for row in rows
        if row["outcome"] == "succeeded" and not any(mark in row["step_key"] for mark in "[.@")
    }


def task_id_of(step_key: str) -> str:
    """The definition's task id of a step key: the last part, without its round."""
    return step_key.rsplit("/", 1)[-1].split("[", 1)[0]


def _attempts(rows: list[Row]) -> dict[tuple[str, str], list[Attempt]]:
    found: dict[tuple[str, str], list[Attempt]] = {}
    for row in rows:
        attempt = Attempt(int(row["data"]["attempt"]), row["at"], row["data"]["error"])
        found.setdefault((row["scope"], row["step_key"]), []).append(attempt)
    return found


def _finished(row: Row, attempts: dict[tuple[str, str], list[Attempt]]) -> StepView:
    error: JsonObject | None = row["error"]
    status: StepStatus = row["outcome"]
    if error and error.get("kind") in ("timeout", "event_timeout"):
        status = "timedout"
    return StepView(
        scope=row["scope"],
        key=row["step_key"],
        task_id=task_id_of(row["step_key"]),
        operator=row["operator"],
        status=status,
        attempt=row["attempt"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        input=row["input"],
        result=row["result"],
        error=error,
        reason=row["reason"] or "",
        attempts=attempts.get((row["scope"], row["step_key"]), []),
        seq=row["seq"],
    )


def _waiting(row: Row, attempts: dict[tuple[str, str], list[Attempt]]) -> StepView:
    return StepView(
        scope=row["scope"],
        key=row["step_key"],
        task_id=task_id_of(row["step_key"]),
        operator="",
        status=_WAITING_STATUS[row["kind"]],
        attempt=row["attempt"] or 1,
        started_at=row["created_at"],
        error=row["error"],
        wait=Wait(row["kind"], row["due_at"], row["event_name"], row["awaited"], row["needed"]),
        attempts=attempts.get((row["scope"], row["step_key"]), []),
    )


def _queued(task: Row) -> StepView:
    error: JsonObject | None = task["error"]
    status = _ACTIVITY_STATUS.get(task["state"], "waiting")
    return StepView(
        scope=task["key"],
        key=task_id_of(task["key"]),
        task_id=task_id_of(task["key"]),
        operator="task",
        status="timedout" if error and error.get("kind") == "timeout" else status,
        started_at=task["created_at"],
        finished_at=task["finished_at"],
        error=error,
        worker=task["worker"],
    )


def _running(task: Row, running: dict[str, Any], attempts: dict[tuple[str, str], list[Attempt]]) -> StepView:
    step_input: Json = running.get("input")
    return StepView(
        scope=task["key"],
        key=running["key"],
        task_id=task_id_of(running["key"]),
        operator=running.get("operator", "task"),
        status="running",
        attempt=running["attempt"],
        started_at=datetime.fromisoformat(running["started_at"]),
        input=step_input,
        worker=task["worker"],
        attempts=attempts.get((task["key"], running["key"]), []),
    )
