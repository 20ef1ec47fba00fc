"""The port `CodeStore` filled by the database: which code a run uses is chosen, noted and read in one statement."""

from __future__ import annotations

import hashlib
from uuid import UUID

from engine.db.pool import Pool
from engine.db.queries import load
from engine.ports import Code, CodeStore

_sql = load("artifact")


class StoredCode(CodeStore):
    """Reads by a connection of the pool for the time of one statement; nothing is kept between two calls."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def artifact(self, tenant_id: UUID, workflow_run_id: UUID, sha256: str) -> Code | None:
        return self._read(tenant_id, workflow_run_id, artifact=sha256, module=None, version=None)

    def module(self, tenant_id: UUID, workflow_run_id: UUID, name: str, version: int | None) -> Code | None:
        return self._read(tenant_id, workflow_run_id, artifact=None, module=name, version=version)

    def _read(self, tenant_id: UUID, workflow_run_id: UUID, **reference: str | int | None) -> Code | None:
        with self._pool.connection() as connection:
            row = _sql.of_run.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, **reference)
        if row is None:
            return None
        content = bytes(row["content"])
        if hashlib.sha256(content).hexdigest() != row["sha256"]:
            raise ValueError(f"the stored code {row['sha256']} was changed in the database")
        return Code(row["sha256"], row["version"], content)
