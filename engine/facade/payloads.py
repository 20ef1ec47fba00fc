"""Payloads that came from outside or go there: stored apart when they are large, read by whoever may see their run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError
from engine.facade.tenancy import tenant_statement, tenant_transaction
from engine.kit.json_text import NotJsonError
from engine.model.json import Json
from engine.queue.blobs import content_of_run
from engine.queue.payloads import Payloads


@contextmanager
def with_payload(
    connection: Connection, tenant_id: UUID, run_id: UUID | None, value: Json, *, alone: bool = True
) -> Iterator[str]:
    """Around what stores a value from outside: the text of its row. What is large is stored apart, in the same transaction.

    ``run_id`` refers to it; None for the inputs of a run that is being started. ``alone``: inside is one statement that tells the database its tenant by
    itself, so that a value that is not stored apart needs no more than that (`tenant_statement`). Raises `InvalidError` for what cannot be stored.
    """
    payloads = Payloads()
    try:
        text = payloads.text(tenant_id, run_id, value)
    except NotJsonError as error:
        raise InvalidError(str(error)) from error
    if alone and not payloads.stands_apart:
        with tenant_statement(connection, tenant_id):
            yield text
        return
    with tenant_transaction(connection, tenant_id):
        payloads.store(connection)
        yield text


def get_payload(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, sha256: str) -> bytes:
    """The JSON text of a payload that a run refers to by ``{"$blob": {"sha256", "bytes"}}``. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        content = content_of_run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, sha256=sha256)
    if content is None:
        raise NotFoundError(f"no payload {sha256} of workflow run {workflow_run_id}")
    return content
