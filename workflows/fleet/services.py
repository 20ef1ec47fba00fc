"""Reading the workers, and telling them what to do. Each order is a fact of the audit trail, in the transaction of the order."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection as django_connection

from engine import facade
from engine.model.insight import FleetWorker
from highway_platform.kit.permissions import Grant
from tenants.audit import audit_record

from .schemas import CapacityBody, WorkerQuery

READ = "workflows.worker:read"
MANAGE = "platform.worker:manage"


def worker_list(grant: Grant, query: WorkerQuery) -> list[FleetWorker]:
    """Workers by name."""
    grant.require(READ)
    django_connection.ensure_connection()
    return facade.list_fleet(
        django_connection.connection, status=query.status, queue=query.queue_name, machine=query.machine_id
    )


def worker_get(grant: Grant, worker_id: uuid.UUID) -> FleetWorker:
    """One worker."""
    grant.require(READ)
    django_connection.ensure_connection()
    return facade.get_worker(django_connection.connection, worker_id=worker_id)


def worker_order(grant: Grant, connection: Any, worker_id: uuid.UUID, state: str, reason: str = "") -> FleetWorker:
    """Tell a worker to be active, paused or draining."""
    grant.require(MANAGE)
    _record(grant, f"worker.{state}", worker_id, {"reason": reason} if reason else {})
    return facade.order_worker(connection, worker_id=worker_id, state=state, reason=reason)


def worker_limit(grant: Grant, connection: Any, worker_id: uuid.UUID, body: CapacityBody) -> FleetWorker:
    """Change how much a worker holds and takes."""
    grant.require(MANAGE)
    _record(grant, "worker.capacity", worker_id, body.model_dump(exclude_unset=True))
    return facade.limit_worker(
        connection,
        worker_id=worker_id,
        capacity=body.max_concurrent_tasks,
        set_capacity="max_concurrent_tasks" in body.model_fields_set,
        batch=body.batch_size,
        set_batch="batch_size" in body.model_fields_set,
    )


def worker_forget(grant: Grant, connection: Any, worker_id: uuid.UUID) -> None:
    """Take a worker that is gone off the list."""
    grant.require(MANAGE)
    _record(grant, "worker.forgotten", worker_id, {})
    facade.forget_worker(connection, worker_id=worker_id)


def workers_clean_up(grant: Grant, connection: Any, silent_seconds: float) -> list[uuid.UUID]:
    """Take every worker off the list that is gone or silent."""
    grant.require(MANAGE)
    forgotten = facade.forget_silent_workers(connection, silent_seconds=silent_seconds)
    for worker_id in forgotten:
        _record(grant, "worker.forgotten", worker_id, {"silent_seconds": silent_seconds})
    return forgotten


def _record(grant: Grant, action: str, worker_id: uuid.UUID, details: dict[str, Any]) -> None:
    audit_record(
        action=action,
        actor_kind=grant.kind,
        actor=grant.who,
        tenant_id=grant.tenant_id,
        target=str(worker_id),
        details=details,
    )
