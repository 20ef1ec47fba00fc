"""Queues and limits of a tenant: reads, changes, and how both are shown."""

from __future__ import annotations

from typing import Any

from engine import facade
from engine.model.flow import Holder, LimitView, QueueView
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction

from .flow_schemas import LimitBody, LimitQuery, QueueBody
from .presenters import Json, time

MANAGE_QUEUE = "workflows.queue:manage"
MANAGE_LIMIT = "workflows.limit:manage"


def queue_list(grant: Grant) -> list[QueueView]:
    """Queues that concern the tenant, by name."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_queues(connection, tenant_id=grant.tenant_id)


def queue_get(grant: Grant, name: str) -> QueueView:
    """One queue."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_queue(connection, tenant_id=grant.tenant_id, name=name)


def queue_change(grant: Grant, connection: Any, name: str, body: QueueBody) -> QueueView:
    """Pause, resume, drain or cap a queue that exists, for the tenant's own tasks."""
    grant.require(MANAGE_QUEUE)
    facade.get_queue(connection, tenant_id=grant.tenant_id, name=name)
    change = facade.QueueChange(
        paused=body.paused,
        reason=body.reason,
        draining=body.draining,
        max_running=body.max_running if "max_running" in body.model_fields_set else facade.UNCHANGED,
    )
    return facade.change_queue(connection, tenant_id=grant.tenant_id, name=name, change=change, by=grant.who)


def limit_list(grant: Grant, query: LimitQuery) -> list[LimitView]:
    """Limits by kind and key, each with its holders and the head of its line."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_limits(
            connection,
            tenant_id=grant.tenant_id,
            after=(query.after_kind, query.after_key),
            quantity=query.page_size + 1,
        )


def limit_get(grant: Grant, kind: str, key: str) -> LimitView:
    """One limit."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_limit(connection, tenant_id=grant.tenant_id, kind=kind, key=key)


def limit_change(grant: Grant, connection: Any, kind: str, key: str, body: LimitBody) -> LimitView:
    """Set a limit's figures by hand."""
    grant.require(MANAGE_LIMIT)
    return facade.change_limit(
        connection,
        tenant_id=grant.tenant_id,
        kind=kind,
        key=key,
        capacity=body.limit,
        per_seconds=body.per_seconds,
        pinned=body.pinned,
        by=grant.who,
    )


def shown_queue(view: QueueView) -> Json:
    """A queue in the API's words."""
    return {
        "queue_name": view.name,
        "pending": view.pending,
        "running": view.running,
        "workers": view.workers,
        "paused": view.paused_at is not None,
        "paused_at": time(view.paused_at),
        "paused_by": view.paused_by,
        "pause_reason": view.pause_reason,
        "paused_by_platform": view.platform_paused,
        "draining": view.draining,
        "max_running": view.max_running,
    }


def shown_limit(view: LimitView) -> Json:
    """A limit in the API's words."""
    return {
        "kind": view.kind,
        "key": view.key,
        "limit": view.capacity,
        "per_seconds": view.per_seconds,
        "pinned": view.pinned,
        "changed_by": view.changed_by,
        "held": view.held,
        "waiting": view.waiting,
        "next_start": time(view.next_start),
        "holders": [_shown_holder(holder) for holder in view.holders],
        "line": [_shown_holder(holder) for holder in view.line],
    }


def _shown_holder(holder: Holder) -> Json:
    return {
        "workflow_run_id": str(holder.workflow_run_id),
        "step_name": holder.step_key or None,
        "since": time(holder.since),
    }
