"""Circuit breakers and named locks, as people see and reset them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import dumps
from engine.model.breakers import BY_HAND
from engine.model.json import JsonObject
from engine.model.upkeep import BreakerView, LockView
from engine.model.views import StoryEntry

_breakers = load("breaker")
_locks = load("lock")
_runs = load("run")
MAX_RESOURCE = 200
MAX_OPEN_SECONDS = 7 * 24 * 3600.0
LOCK_KINDS = ["lock_acquired", "lock_released", "lock_failed"]


def list_breakers(
    connection: Connection,
    *,
    tenant_id: UUID,
    states: Sequence[str] = (),
    after: tuple[str, str] = ("", ""),
    quantity: int = 500,
) -> list[BreakerView]:
    """Breakers by resource and workflow, behind ``after`` = (resource, workflow); without states all of them."""
    with tenant_transaction(connection, tenant_id):
        rows = _breakers.list.many(
            connection,
            tenant_id=tenant_id,
            states=list(states) or None,
            after_key=after[0],
            after_workflow=after[1],
            quantity=quantity,
        )
    return [BreakerView(**row) for row in rows]


def get_breaker(connection: Connection, *, tenant_id: UUID, resource_key: str, workflow_name: str = "") -> BreakerView:
    """One breaker. Raises `NotFoundError` for one that has never counted a failure, too."""
    with tenant_transaction(connection, tenant_id):
        row = _breakers.get.one(connection, tenant_id=tenant_id, workflow_name=workflow_name, resource_key=resource_key)
    if row is None:
        raise NotFoundError(f"no circuit breaker {resource_key}")
    return BreakerView(**row)


def reset_breakers(
    connection: Connection, *, tenant_id: UUID, resource_key: str | None = None, workflow_name: str = ""
) -> int:
    """Close a breaker, or all of the tenant, as if nothing had ever failed; returns how many there were.

    Workers call again within a second. Raises `NotFoundError` for a named one that is not there.
    """
    with tenant_transaction(connection, tenant_id):
        gone = _breakers.reset.many(
            connection, tenant_id=tenant_id, workflow_name=workflow_name, resource_key=resource_key
        )
    if resource_key is not None and not gone:
        raise NotFoundError(f"no circuit breaker {resource_key}")
    return len(gone)


def open_breaker(
    connection: Connection,
    *,
    tenant_id: UUID,
    resource_key: str,
    workflow_name: str = "",
    seconds: float,
    by: str = "",
    reason: str = "",
) -> None:
    """Let nobody call a resource for so long, also one that has never failed; then one call at a time finds out whether it is well.

    Workers heed it within a second. Raises `InvalidError` for no name, one that is too long, or a time that is not between a second and a week.
    """
    if not 1 <= len(resource_key) <= MAX_RESOURCE:
        raise InvalidError(f"the name of a resource has 1 to {MAX_RESOURCE} characters")
    if not 1 <= seconds <= MAX_OPEN_SECONDS:
        raise InvalidError("a breaker is opened for a second at least and for a week at most")
    error: JsonObject = {"kind": BY_HAND, "type": "OpenedByHand", "message": reason, "by": by, "retryable": True}
    with tenant_transaction(connection, tenant_id):
        _breakers.open.one(
            connection,
            tenant_id=tenant_id,
            workflow_name=workflow_name,
            resource_key=resource_key,
            seconds=seconds,
            error=dumps(error),
        )


def close_breaker(connection: Connection, *, tenant_id: UUID, resource_key: str, workflow_name: str = "") -> None:
    """Let calls through again and count failures from nothing; the last error stays to be read. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        closed = _breakers.close.one(
            connection, tenant_id=tenant_id, workflow_name=workflow_name, resource_key=resource_key
        )
    if closed is None:
        raise NotFoundError(f"no circuit breaker {resource_key}")


def list_locks(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[LockView]:
    """The named locks that a run holds and waits for."""
    with tenant_transaction(connection, tenant_id):
        rows = _locks.of_run.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [LockView(**row) for row in rows]


def list_lock_story(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, quantity: int = 1000
) -> list[StoryEntry]:
    """How the run came by its locks and let them go, oldest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _runs.journal.many(
            connection,
            tenant_id=tenant_id,
            workflow_run_id=workflow_run_id,
            kinds=LOCK_KINDS,
            after=0,
            quantity=quantity,
        )
    return [StoryEntry(**row) for row in rows]
