"""Payloads that came from outside or go there: stored apart when they are large, read by whoever may see their run."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import NotJsonError
from engine.model.json import Json
from engine.queue.blobs import content_of_run
from engine.queue.payloads import Payloads


def stored(connection: Connection, tenant_id: UUID, run_id: UUID | None, value: Json) -> str:
    """The text of a row for a value from outside, what is large stored apart in the caller's transaction.

    ``run_id`` refers to it; None for the inputs of a run that is being started. Raises `InvalidError` for what cannot be stored.
    """
    payloads = Payloads()
    try:
        text = payloads.text(tenant_id, run_id, value)
    except NotJsonError as error:
        raise InvalidError(str(error)) from error
    payloads.store(connection)
    return text


def get_payload(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, sha256: str) -> bytes:
    """The JSON text of a payload that a run refers to by ``{"$blob": {"sha256", "bytes"}}``. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        content = content_of_run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, sha256=sha256)
    if content is None:
        raise NotFoundError(f"no payload {sha256} of workflow run {workflow_run_id}")
    return content
