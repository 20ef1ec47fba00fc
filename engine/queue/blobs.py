"""The blob port filled by the database itself: contents stand in a table beside the rows that refer to them, and commit with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.ports import Blob, BlobStore

_sql = load("blob")


class DatabaseBlobs(BlobStore):
    """On an open transaction, or for reading on any connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, blobs: Sequence[Blob]) -> None:
        ordered = sorted(
            blobs, key=lambda blob: (blob.tenant_id, blob.sha256)
        )  # rows are taken in one order by everybody
        _sql.put.run(
            self._connection,
            tenant_ids=[blob.tenant_id for blob in ordered],
            digests=[blob.sha256 for blob in ordered],
            sizes=[len(blob.content) for blob in ordered],
            contents=[blob.content for blob in ordered],
        )

    def get(self, keys: Collection[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], bytes]:
        rows = _sql.get.many(
            self._connection,
            tenant_ids=[tenant_id for tenant_id, _ in keys],
            digests=[digest for _, digest in keys],
        )
        return {(row["tenant_id"], row["sha256"]): bytes(row["content"]) for row in rows}


def refer(connection: Connection, references: Collection[tuple[UUID, UUID, str]]) -> None:
    """Note that runs refer to blobs, given as (tenant, run, hash), in the transaction that stores the rows."""
    ordered = sorted(references)
    _sql.refer.run(
        connection,
        tenant_ids=[tenant_id for tenant_id, _, _ in ordered],
        run_ids=[run_id for _, run_id, _ in ordered],
        digests=[digest for _, _, digest in ordered],
    )


def content_of_run(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, sha256: str) -> bytes | None:
    """A payload that the run refers to; None for every other."""
    row = _sql.of_run.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, digest=sha256)
    return bytes(row["content"]) if row else None
