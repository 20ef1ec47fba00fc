"""Reading what runs ask people, and speaking. A vote is a fact of the audit trail, in the transaction of the vote."""

from __future__ import annotations

import uuid
from typing import Any

from engine import facade
from engine.model.approvals import ApprovalView, Vote
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction
from tenants.audit import audit_record
from tenants.identity import identity_of

READ = "workflows.approval:read"
DECIDE = "workflows.approval:decide"


def approval_list(
    grant: Grant, *, pending: bool, before: uuid.UUID | None = None, quantity: int = 50
) -> list[ApprovalView]:
    """Questions, the newest first: those that wait for somebody, or all."""
    grant.require(READ)
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_approvals(
            connection, tenant_id=grant.tenant_id, pending=pending, before=before, quantity=quantity
        )


def approvals_of_run(grant: Grant, run_id: uuid.UUID) -> list[ApprovalView]:
    """What a run has asked."""
    grant.require(READ)
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.approvals_of_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def approval_get(grant: Grant, name: str) -> ApprovalView:
    """A question by its id or by the key that its author gave."""
    grant.require(READ)
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_approval(connection, tenant_id=grant.tenant_id, name=name)


def approval_decide(grant: Grant, connection: Any, name: str, vote: Vote, comment: str = "") -> ApprovalView:
    """Speak; the question as it is then. A key speaks for the person who made it, so that nobody is two."""
    grant.require(DECIDE)
    asked = facade.get_approval(connection, tenant_id=grant.tenant_id, name=name)
    who = identity_of(grant)
    facade.decide(
        connection,
        tenant_id=grant.tenant_id,
        approval_id=asked.approval_id,
        vote=vote,
        by=who.person,
        names=who.names,
        comment=comment,
    )
    audit_record(
        action=f"approval.{vote}",
        actor_kind=grant.kind,
        actor=grant.who,
        tenant_id=grant.tenant_id,
        target=str(asked.approval_id),
        details={"workflow_run_id": str(asked.workflow_run_id), "as": who.person},
    )
    return facade.get_approval(connection, tenant_id=grant.tenant_id, name=str(asked.approval_id))
