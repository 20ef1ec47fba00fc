"""Questions that people decide: reading them, speaking, and links that let one person speak once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError, StateError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.kit.fault_points import FaultPoint, reach
from engine.model.approvals import ApprovalState, ApprovalView, Vote, VoteView
from engine.model.json import JsonObject

_sql = load("approval")


def list_approvals(
    connection: Connection,
    *,
    tenant_id: UUID,
    pending: bool = False,
    before: UUID | None = None,
    quantity: int = 50,
) -> list[ApprovalView]:
    """A tenant's questions, the newest first; ``before`` is the id of the last one of the page before."""
    query = _sql.newest_pending if pending else _sql.newest
    with tenant_transaction(connection, tenant_id):
        found = query.many(connection, tenant_id=tenant_id, before=before, quantity=quantity)
        return _read(connection, tenant_id, [row["approval_id"] for row in found])


def approvals_of_run(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, quantity: int = 50
) -> list[ApprovalView]:
    """What a run has asked, the newest first."""
    with tenant_transaction(connection, tenant_id):
        found = _sql.of_run.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, quantity=quantity)
        return _read(connection, tenant_id, [row["approval_id"] for row in found])


def get_approval(connection: Connection, *, tenant_id: UUID, name: str) -> ApprovalView:
    """A question by its id, or by the key that its author gave: the newest open one of that key, else the newest. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        found = _sql.find.one(connection, tenant_id=tenant_id, approval_id=_uuid(name), key=name)
        rows = _read(connection, tenant_id, [found["approval_id"]]) if found else []
    if not rows:
        raise NotFoundError(f"no approval {name}")
    return rows[0]


def why_no_say(
    connection: Connection, *, tenant_id: UUID, approval_id: UUID, by: str, names: Sequence[str] = ()
) -> str | None:
    """Why `decide` would refuse this person, in words; None when it would not."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.why_no_say.one(connection, tenant_id=tenant_id, approval_id=approval_id, by=by, names=list(names))
    return row["why"] if row else None


def decide(
    connection: Connection,
    *,
    tenant_id: UUID,
    approval_id: UUID,
    vote: Vote,
    by: str,
    names: Sequence[str] = (),
    comment: str = "",
) -> ApprovalState:
    """Speak as ``by``, who goes by ``names`` (roles), too; how the question stands then: pending while others have to agree.

    To say the same again changes nothing. Raises `NotFoundError`; `StateError` when it was decided before, has expired or this person has said the
    opposite; `NotAllowedError` when they have no say in it.
    """
    with tenant_transaction(connection, tenant_id):
        reach(FaultPoint.APPROVAL_BEFORE)
        row = _sql.decide.one(
            connection,
            tenant_id=tenant_id,
            approval_id=approval_id,
            vote=vote,
            by=by,
            names=list(names),
            comment=comment,
        )
        reach(FaultPoint.APPROVAL_AFTER)
    reach(FaultPoint.APPROVAL_BEFORE_REPLY)
    assert row is not None  # noqa: S101 - the function always answers
    state: ApprovalState = row["state"]
    return state


def issue_token(
    connection: Connection, *, tenant_id: UUID, approval_id: UUID, person: str, names: Sequence[str] = ()
) -> str:
    """A secret that lets ``person`` speak once, without signing in. Only its digest is kept. Raises `StateError` unless the question is open."""
    token = secrets.token_urlsafe(32)
    with tenant_transaction(connection, tenant_id):
        issued = _sql.issue_token.one(
            connection,
            tenant_id=tenant_id,
            digest=_digest(token),
            approval_id=approval_id,
            person=person,
            names=list(names),
        )
    if issued is None:
        raise StateError(f"no open approval {approval_id}")
    return token


def approval_of_token(connection: Connection, *, tenant_id: UUID, token: str) -> ApprovalView:
    """What the holder of a link decides. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        found = _sql.of_token.one(connection, tenant_id=tenant_id, digest=_digest(token))
        if found is None:
            raise NotFoundError("no such link")
        return _read(connection, tenant_id, [found["approval_id"]])[0]


def decide_by_token(
    connection: Connection, *, tenant_id: UUID, token: str, vote: Vote, comment: str = ""
) -> ApprovalState:
    """Like `decide`, by whoever holds the link, once. Raises `NotFoundError` for an unknown one, `StateError` for a used one."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.decide_by_token.one(
            connection, tenant_id=tenant_id, digest=_digest(token), vote=vote, comment=comment
        )
    assert row is not None  # noqa: S101 - the function always answers
    state: ApprovalState = row["state"]
    return state


def _read(connection: Connection, tenant_id: UUID, approval_ids: list[UUID]) -> list[ApprovalView]:
    rows = _sql.read.many(connection, tenant_id=tenant_id, approval_ids=approval_ids) if approval_ids else []
    return [ApprovalView(**row | {"votes": [_vote(said) for said in row["votes"]]}) for row in rows]


def _vote(said: JsonObject) -> VoteView:
    return VoteView(**said | {"at": datetime.fromisoformat(str(said["at"]))})  # type: ignore[arg-type]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
