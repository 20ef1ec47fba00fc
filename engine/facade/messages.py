"""Requests to a run that get a reply, and what a run has to undo or has undone."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.facade.payloads import with_payload
from engine.facade.tenancy import tenant_transaction
from engine.kit.fault_points import FaultPoint, reach
from engine.model.json import Json
from engine.model.messages import UndoView, UpdateView

_sql = load("message")


def request_update(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, name: str, payload: Json = None, by: str = ""
) -> UUID:
    """Put a request into a run's inbox; its id. The answer is read with `get_update`. Raises `StateError` when the run has ended."""
    reach(FaultPoint.UPDATE_BEFORE)
    with with_payload(connection, tenant_id, workflow_run_id, payload) as text:
        row = _sql.request_update.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, name=name, payload=text, by=by
        )
        reach(FaultPoint.UPDATE_AFTER)
    reach(FaultPoint.UPDATE_BEFORE_REPLY)
    assert row is not None  # noqa: S101 - the function always answers
    update_id: UUID = row["update_id"]
    return update_id


def get_update(connection: Connection, *, tenant_id: UUID, update_id: UUID) -> UpdateView:
    """A request and its answer. One that nobody will answer, because its run has ended, has failed. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get_update.one(connection, tenant_id=tenant_id, update_id=update_id)
    if row is None:
        raise NotFoundError(f"no update {update_id}")
    return UpdateView(**row)


def list_updates(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, quantity: int = 50
) -> list[UpdateView]:
    """A run's requests, the newest first."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list_updates.many(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, quantity=quantity
        )
    return [UpdateView(**row) for row in rows]


def list_undo(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[UndoView]:
    """What a run has registered to be undone, in the order in which it would be, and what became of it."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list_undo.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [UndoView(**row) for row in rows]
