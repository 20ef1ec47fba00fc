"""Changes to definitions and runs. Each takes a grant and an open transaction, and leaves the commit to the edge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from engine import facade
from engine.facade.tenancy import tenant_transaction
from engine.model.flow import FlowOptions
from engine.model.views import DefinitionRef, Submitted
from highway_platform.kit.permissions import Grant

from .sources import CheckedSource

WRITE_DEFINITION = "workflows.definition:write"
SUBMIT = "workflows.run:submit"
CANCEL = "workflows.run:cancel"
SIGNAL = "workflows.run:signal"
WRITE_SCHEDULE = "workflows.schedule:write"
RESET = "workflows.idempotency:reset"


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a run is to be started. Times in seconds; a higher priority goes first among the tenant's own runs."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    queue: str = "default"
    priority: int = 0
    delay_seconds: float = 0
    tags: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trigger: str = "api"
    flow: FlowOptions | None = None


def in_one_transaction(grant: Grant, connection: Any) -> AbstractContextManager[None]:
    """What is done inside is done as a whole or not at all, whether or not a transaction is open already."""
    return tenant_transaction(connection, grant.tenant_id)


def definition_known(grant: Grant, connection: Any, source: CheckedSource) -> DefinitionRef | None:
    """What a checked definition is stored as; None when it is new."""
    _require_rights_of(grant, source)
    return facade.meant_definition(
        connection, tenant_id=grant.tenant_id, definition_hash=facade.definition_hash(source.definition)
    )


def definition_register(grant: Grant, connection: Any, source: CheckedSource) -> DefinitionRef:
    """Store a checked definition; the same content is stored once, a new content of a name is its next version.

    One with a ``schedule`` starts runs by itself, which is a right of its own.
    """
    _require_rights_of(grant, source)
    return facade.register(
        connection,
        tenant_id=grant.tenant_id,
        definition=source.definition,
        source=source.source,
        source_format=source.source_format,
    )


def _require_rights_of(grant: Grant, source: CheckedSource) -> None:
    grant.require(WRITE_DEFINITION)
    if source.definition.get("schedule"):
        grant.require(WRITE_SCHEDULE)


def run_start(grant: Grant, connection: Any, definition_id: uuid.UUID, options: StartOptions) -> Submitted:
    """Start a run of a stored definition."""
    grant.require(SUBMIT)
    return facade.submit(
        connection,
        tenant_id=grant.tenant_id,
        definition_id=definition_id,
        inputs=dict(options.inputs),
        queue=options.queue,
        priority=options.priority,
        delay_seconds=options.delay_seconds,
        tags=options.tags,
        attributes=dict(options.attributes),
        trigger=options.trigger,
        triggered_by=grant.who,
        flow=options.flow,
    )


def runs_start(
    grant: Grant, connection: Any, definition_id: uuid.UUID, inputs: Sequence[Mapping[str, Any]], options: StartOptions
) -> list[uuid.UUID]:
    """Start a run of a stored definition for each of the inputs, all or none; their ids in the order of the inputs."""
    grant.require(SUBMIT)
    return facade.submit_many(
        connection,
        tenant_id=grant.tenant_id,
        definition_id=definition_id,
        inputs=[dict(each) for each in inputs],
        queue=options.queue,
        priority=options.priority,
        delay_seconds=options.delay_seconds,
        tags=options.tags,
        attributes=dict(options.attributes),
        trigger=options.trigger,
        triggered_by=grant.who,
    )


def run_cancel(grant: Grant, connection: Any, run_id: uuid.UUID, reason: str = "") -> str:
    """Ask a run to stop; gives its status now."""
    grant.require(CANCEL)
    words = reason or f"cancelled by {grant.who}"
    return facade.cancel(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, reason=words)


def run_retry(grant: Grant, connection: Any, run_id: uuid.UUID) -> Submitted:
    """Start an ended run again as a new one, with the same definition and inputs."""
    grant.require(SUBMIT)
    return facade.retry(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, triggered_by=grant.who)


def event_emit(grant: Grant, connection: Any, run_id: uuid.UUID, name: str, payload: Any) -> bool:
    """Emit an event of a run; whether it was the first of its name, which is the one that counts."""
    grant.require(SIGNAL)
    return facade.emit_event(
        connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, name=name, payload=payload, by=grant.who
    )


def signal_send(grant: Grant, connection: Any, run_id: uuid.UUID, name: str, payload: Any) -> int:
    """Put a signal into a run's inbox; gives its number."""
    grant.require(SIGNAL)
    return facade.send_signal(
        connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, name=name, payload=payload, by=grant.who
    )


def update_request(grant: Grant, connection: Any, run_id: uuid.UUID, name: str, payload: Any) -> uuid.UUID:
    """Put a request with a reply into a run's inbox; gives its id."""
    grant.require(SIGNAL)
    return facade.request_update(
        connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, name=name, payload=payload, by=grant.who
    )


def idempotency_forget(grant: Grant, connection: Any, key: str) -> int:
    """Forget what was answered under a key; how many keys that were."""
    grant.require(RESET)
    return facade.forget_key(connection, tenant_id=grant.tenant_id, key=key)


def idempotency_reset(grant: Grant, connection: Any, quantity: int) -> int:
    """Forget up to so many of the tenant's keys; how many that were."""
    grant.require(RESET)
    return facade.forget_keys(connection, tenant_id=grant.tenant_id, quantity=quantity)
