"""Queues and their health, put together from counts and from who serves them."""

from __future__ import annotations

from typing import Any

from engine.model.insight import OPEN_STATES, FleetWorker

from .presenters import by_queue, by_state
from .selectors import ENDED_STATES, Metrics, Queues

Json = dict[str, Any]
SLOW_SECONDS = 30.0  # due work that waits for longer is worth a look


def queue_list(queues: Queues) -> list[Json]:
    """Each queue that the tenant has tasks in, by name."""
    waiting, lately = by_queue(queues.open), by_queue(queues.lately)
    return [
        _queue(name, waiting.get(name, {}), lately.get(name, {}), queues)
        for name in sorted(waiting.keys() | lately.keys())
    ]


def _queue(name: str, waiting: dict[str, int], lately: dict[str, int], queues: Queues) -> Json:
    serving = [worker for worker in queues.workers if name in worker.queues and worker.status == "online"]
    oldest = queues.oldest_seconds.get(name, 0.0)
    return {
        "queue_name": name,
        **{state: waiting.get(state, 0) for state in OPEN_STATES},
        "ended_last_day": {state: lately.get(state, 0) for state in ENDED_STATES},
        "oldest_pending_seconds": oldest,
        "workers": len(serving),
        "slots": sum(worker.slots for worker in serving),
        "health": _health(bool(serving), waiting.get("pending", 0), oldest),
    }


def _health(is_served: bool, pending: int, oldest_seconds: float) -> str:
    if pending and not is_served:
        return "unserved"
    return "slow" if oldest_seconds > SLOW_SECONDS else "healthy"


def metrics_categories(metrics: Metrics) -> dict[str, Json]:
    """What monitoring and alerting ask, by category, each with how bad it is: ok, warning or critical."""
    figures, troubles = metrics.statistics, metrics.troubles
    failed = figures.by_status.get("failed", 0)
    unserved = [queue for queue in queue_list(metrics.queues) if queue["health"] != "healthy"]
    online = [worker for worker in metrics.queues.workers if worker.status == "online"]
    return {
        "critical": {"severity": _worst(troubles.lost), "lost_tasks": troubles.lost, "problem": metrics.health.problem},
        "failures": {
            "severity": _warning(failed),
            "failed_workflows": failed,
            "by_kind": dict(figures.failures),
        },
        "resilience": {
            "severity": _warning(troubles.rescued),
            "rescued_tasks": troubles.rescued,
            "most_rescues": troubles.most_rescues,
        },
        "performance": {
            "severity": "ok",
            "started_workflows": figures.total,
            "avg_duration_seconds": figures.durations.average,
            "p95_duration_seconds": figures.durations.p95,
        },
        "workers": {"severity": "ok" if online else "critical", **fleet_counts(metrics.queues.workers)},
        "workflows": {"severity": "ok", **figures.by_status},
        "tasks": {"severity": "ok", **by_state(metrics.queues.open)},
        "queues": {
            "severity": _warning(len(unserved)),
            "depth": {queue["queue_name"]: queue for queue in queue_list(metrics.queues)},
        },
    }


def fleet_counts(workers: list[FleetWorker]) -> Json:
    """How many workers of each kind, and what they hold of what they can."""
    serving = [worker for worker in workers if worker.status == "online"]
    statuses = ("online", "paused", "draining", "offline")
    return {
        "total": len(workers),
        **{status: sum(worker.status == status for worker in workers) for status in statuses},
        "total_slots": sum(worker.slots for worker in serving),
        "total_capacity": sum(worker.capacity for worker in serving),
        "current_load": sum(worker.running for worker in workers if worker.status != "offline"),
    }


def _worst(number: int) -> str:
    return "critical" if number else "ok"


def _warning(number: int) -> str:
    return "warning" if number else "ok"
