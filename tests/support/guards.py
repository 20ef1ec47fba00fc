"""Circuit breakers and named locks, driven by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.db.connection import Row
from engine.db.queries import load
from engine.model.breakers import BreakerPolicy, CallOutcome
from engine.model.commands import AwaitLock, ChangeLock
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.model.upkeep import DeadLetter, LetterFilter
from engine.queue.writes import CallWrite, Suspended, TaskWrites, WaitWrite

RESOURCE = "billing"
ONCE = BreakerPolicy(failure_threshold=1, success_threshold=1, isolation_seconds=60)
BROKEN = StepError("tool", "no answer", "ConnectionError")


def admit(connection: psycopg.Connection[Any], task: ClaimedTask, resource: str = RESOURCE, step: str = "call") -> Row:
    """Ask for a call as a worker does."""
    row = load("breaker").admit.one(
        connection,
        tenant_id=task.tenant_id,
        workflow_name="",
        resource_key=resource,
        run_id=task.workflow_run_id,
        scope=task.key,
        task_id=task.task_id,
        epoch=task.epoch,
        step_key=step,
    )
    assert row is not None
    return row


def ended(
    task: ClaimedTask,
    outcome: CallOutcome = "failed",
    policy: BreakerPolicy = ONCE,
    resource: str = RESOURCE,
    step: str = "call",
) -> TaskWrites:
    """The end of a call."""
    error = BROKEN if outcome == "failed" else None
    return TaskWrites(task, calls=[CallWrite(step, "", resource, outcome, policy, error)])


def breaker(connection: psycopg.Connection[Any], tenant: UUID, resource: str = RESOURCE) -> Row | None:
    """The breaker as it is now."""
    return load("breaker").get.one(connection, tenant_id=tenant, workflow_name="", resource_key=resource)


def isolation_is_over(connection: psycopg.Connection[Any], tenant: UUID) -> None:
    """Let the time of all open breakers of the tenant be up."""
    connection.execute(
        "UPDATE highway.breaker SET open_until = now() - interval '1 s' WHERE tenant_id = %s AND state = 'open'",
        [tenant],
    )


def ask_for(task: ClaimedTask, name: str = "door", step: str = "take", seconds: float | None = None) -> TaskWrites:
    """A task that stands in line for a lock and has nothing else to do."""
    request = {"kind": "lock", "name": name}
    return TaskWrites(
        task,
        waits=[WaitWrite(step, "lock", seconds=seconds, request=request)],  # type: ignore[arg-type]
        lock_requests=[AwaitLock(step, name, seconds)],
        exit=Suspended(),
    )


def holds(task: ClaimedTask, name: str = "door", step: str = "take", **more: Any) -> TaskWrites:
    """A task that was told that it holds the lock."""
    return TaskWrites(task, lock_changes=[ChangeLock(step, name, "held")], ended_waits=[step], **more)


def releases(task: ClaimedTask, name: str = "door", **more: Any) -> TaskWrites:
    """A task that lets go of the lock."""
    return TaskWrites(task, lock_changes=[ChangeLock("let_go", name, "released")], **more)


def leaves(task: ClaimedTask, name: str = "door", step: str = "take", **more: Any) -> TaskWrites:
    """A task that waits no longer."""
    return TaskWrites(task, lock_changes=[ChangeLock(step, name, "left")], ended_waits=[step], **more)


def line(connection: psycopg.Connection[Any], tenant: UUID, name: str = "door") -> list[UUID]:
    """The tasks in line for a lock, its holder first."""
    rows = connection.execute(
        "SELECT task_id FROM highway.named_lock WHERE tenant_id = %s AND name = %s ORDER BY ticket", [tenant, name]
    )
    return [row[0] for row in rows]


def letters(connection: psycopg.Connection[Any], tenant: UUID, **chosen: Any) -> list[DeadLetter]:
    """The tenant's dead letters, newest first."""
    return facade.list_dead_letters(connection, tenant_id=tenant, chosen=LetterFilter(**chosen))
