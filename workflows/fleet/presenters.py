"""Workers as the plain JSON of the API. Nothing of any tenant is in it."""

from __future__ import annotations

from typing import Any

from engine.model.insight import FleetWorker

from ..presenters import time


def worker(one: FleetWorker) -> dict[str, Any]:
    """A worker as every reader sees it."""
    return {
        "worker_id": str(one.worker_id),
        "name": one.name,
        "status": one.status,
        "reason": one.reason or None,
        "queues": one.queues,
        "slots": one.slots,
        "max_concurrent_tasks": one.capacity,
        "batch_size": one.batch,
        "current_load": one.running,
        "code_version": one.code_version,
        "started_at": time(one.started_at),
        "last_heartbeat": time(one.last_seen_at),
    }
