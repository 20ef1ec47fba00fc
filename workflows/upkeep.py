"""Reads and changes of what guards runs and of what is left of them: breakers, locks, dead letters, retention, payloads, attributes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from engine import facade
from engine.model.upkeep import BreakerView, DeadLetter, LetterFilter, LockView, Retention, Sweep
from engine.model.views import StoryEntry
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction
from tenants.audit import audit_record

MANAGE_GUARDS = "workflows.guard:manage"
MANAGE_LETTERS = "workflows.letter:manage"
MANAGE_RETENTION = "workflows.retention:manage"
SUBMIT = "workflows.run:submit"


def breaker_list(grant: Grant, state: str | None) -> list[BreakerView]:
    """Breakers by resource, of one state or of all."""
    states = (state.lower(),) if state else ()
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_breakers(connection, tenant_id=grant.tenant_id, states=states)


def breaker_get(grant: Grant, resource_key: str, workflow_name: str) -> BreakerView:
    """One breaker."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_breaker(
            connection, tenant_id=grant.tenant_id, resource_key=resource_key, workflow_name=workflow_name
        )


def breaker_reset(grant: Grant, connection: Any, resource_key: str | None = None, workflow_name: str = "") -> int:
    """Close one breaker, or all; how many there were."""
    grant.require(MANAGE_GUARDS)
    return facade.reset_breakers(
        connection, tenant_id=grant.tenant_id, resource_key=resource_key, workflow_name=workflow_name
    )


def breaker_open(
    grant: Grant, connection: Any, resource_key: str, workflow_name: str, *, seconds: float, reason: str
) -> None:
    """Isolate a resource by hand, for a while and for a reason; a fact of the audit trail."""
    grant.require(MANAGE_GUARDS)
    facade.open_breaker(
        connection,
        tenant_id=grant.tenant_id,
        resource_key=resource_key,
        workflow_name=workflow_name,
        seconds=seconds,
        by=grant.who,
        reason=reason,
    )
    _record(grant, "breaker.opened", resource_key, workflow=workflow_name, seconds=seconds, reason=reason)


def breaker_close(grant: Grant, connection: Any, resource_key: str, workflow_name: str = "") -> None:
    """Let calls of a resource through again; a fact of the audit trail."""
    grant.require(MANAGE_GUARDS)
    facade.close_breaker(connection, tenant_id=grant.tenant_id, resource_key=resource_key, workflow_name=workflow_name)
    _record(grant, "breaker.closed", resource_key, workflow=workflow_name)


def lock_list(grant: Grant, run_id: uuid.UUID) -> tuple[list[StoryEntry], list[LockView]]:
    """The story of a run's locks, and those that it holds or waits for."""
    tenant_id = grant.tenant_id
    with tenant_transaction(tenant_id) as connection:
        facade.get_run(connection, tenant_id=tenant_id, workflow_run_id=run_id)
        story = facade.list_lock_story(connection, tenant_id=tenant_id, workflow_run_id=run_id)
        return story, facade.list_locks(connection, tenant_id=tenant_id, workflow_run_id=run_id)


def letter_list(
    grant: Grant, chosen: LetterFilter, *, before: uuid.UUID | None = None, quantity: int = 50
) -> list[DeadLetter]:
    """Letters, newest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_dead_letters(
            connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=quantity
        )


def letter_get(grant: Grant, letter_id: uuid.UUID) -> DeadLetter:
    """One letter."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_dead_letter(connection, tenant_id=grant.tenant_id, dead_letter_id=letter_id)


def letter_requeue(grant: Grant, connection: Any, letter_id: uuid.UUID) -> uuid.UUID:
    """Try again; the new run's id."""
    grant.require(MANAGE_LETTERS)
    return facade.requeue_dead_letter(connection, tenant_id=grant.tenant_id, dead_letter_id=letter_id, by=grant.who)


def letter_purge(grant: Grant, connection: Any, letter_id: uuid.UUID) -> None:
    """Delete one letter."""
    grant.require(MANAGE_LETTERS)
    facade.purge_dead_letter(connection, tenant_id=grant.tenant_id, dead_letter_id=letter_id)


def letter_purge_many(grant: Grant, connection: Any, chosen: LetterFilter, *, dry_run: bool) -> int:
    """Delete letters, or only count them."""
    grant.require(MANAGE_LETTERS)
    act = facade.count_dead_letters if dry_run else facade.purge_dead_letters
    return act(connection, tenant_id=grant.tenant_id, chosen=chosen)


def retention_get(grant: Grant) -> Retention:
    """How long ended runs are kept."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_retention(connection, tenant_id=grant.tenant_id)


def retention_preview(grant: Grant, policy: Retention) -> Sweep:
    """What a policy would not keep of the runs that have ended."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.preview_retention(connection, tenant_id=grant.tenant_id, policy=policy)


def retention_set(grant: Grant, connection: Any, policy: Retention) -> None:
    """Set how long."""
    grant.require(MANAGE_RETENTION)
    facade.set_retention(connection, tenant_id=grant.tenant_id, policy=policy, by=grant.who)


def payload_get(grant: Grant, run_id: uuid.UUID, sha256: str) -> bytes:
    """The JSON text of a payload that a run refers to."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_payload(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, sha256=sha256)


def attributes_set(grant: Grant, connection: Any, run_id: uuid.UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge search attributes into those of a run; all of them then."""
    grant.require(SUBMIT)
    return facade.set_attributes(
        connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, attributes=dict(changes)
    )


def _record(grant: Grant, action: str, target: str, **details: Any) -> None:
    audit_record(
        action=action,
        actor_kind=grant.kind,
        actor=grant.who,
        tenant_id=grant.tenant_id,
        target=target,
        details={name: value for name, value in details.items() if value},
    )
