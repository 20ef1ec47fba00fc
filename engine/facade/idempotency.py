"""Idempotency keys: the same key with the same request has one effect and one answer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import EngineError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import dumps
from engine.model.json import Json

_sql = load("idempotency")
KEEP_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered under a key."""

    status: int
    body: Json
    workflow_run_id: UUID | None


class KeyReuseError(EngineError):
    """The key was used before with another request; ``workflow_run_id`` is what that one started, if anything."""

    def __init__(self, key: str, workflow_run_id: UUID | None) -> None:
        super().__init__(f"idempotency key {key!r} was used with a different request")
        self.workflow_run_id = workflow_run_id


def claim_key(
    connection: Connection, *, tenant_id: UUID, key: str, request_hash: str, keep_seconds: float = KEEP_SECONDS
) -> Answer | None:
    """Claim a key in the caller's transaction. None: it is new, do the work and `answer` in the same transaction. Else: what was answered.

    A request with the same key that is under way elsewhere is waited for. Raises `KeyReuseError` when the key belongs to another request.
    """
    with tenant_transaction(connection, tenant_id):
        if _sql.begin.one(
            connection, tenant_id=tenant_id, key=key, request_hash=request_hash, keep_seconds=keep_seconds
        ):
            return None
        row = _sql.find.one(connection, tenant_id=tenant_id, key=key)
    if row is None or row["request_hash"] != request_hash:
        raise KeyReuseError(key, row["workflow_run_id"] if row else None)
    return Answer(row["response_status"], row["response"], row["workflow_run_id"])


def answer(
    connection: Connection, *, tenant_id: UUID, key: str, status: int, body: Json, workflow_run_id: UUID | None = None
) -> None:
    """Keep the answer under a key that `claim_key` gave to this transaction."""
    with tenant_transaction(connection, tenant_id):
        _sql.answer.run(
            connection,
            tenant_id=tenant_id,
            key=key,
            response_status=status,
            response=dumps(body),
            workflow_run_id=workflow_run_id,
        )


def forget_key(connection: Connection, *, tenant_id: UUID, key: str) -> int:
    """Forget what was answered under a key; how many keys that were: 1, or 0 when there is none or it is being answered now."""
    with tenant_transaction(connection, tenant_id):
        return len(_sql.forget.many(connection, tenant_id=tenant_id, key=key))


def forget_keys(connection: Connection, *, tenant_id: UUID, quantity: int) -> int:
    """Forget up to ``quantity`` of the tenant's answered keys; how many that were."""
    with tenant_transaction(connection, tenant_id):
        return len(_sql.forget_all.many(connection, tenant_id=tenant_id, quantity=quantity))
