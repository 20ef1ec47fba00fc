"""Checks of the operations about workers. An order is obeyed by the real worker; in the end it works as before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.integration.api.definitions import SAY_HELLO
from tests.integration.clients.operations_table import Cast, covers

ONE = "/api/v1/workers/{worker_id}"
SEEN_BY_TENANTS = {
    *("worker_id", "name", "status", "reason", "queues", "slots", "max_concurrent_tasks", "batch_size"),
    *("current_load", "code_version", "started_at", "last_heartbeat"),
}


def _only(cast: Cast) -> dict[str, Any]:
    [worker] = cast.owner.call("GET /api/v1/workers", status="online")["workers"]
    return dict(worker)


def _wait(cast: Cast, worker_id: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not fits(worker := cast.owner.call(f"GET {ONE}", worker_id)):
        assert time.monotonic() < deadline, worker
        time.sleep(0.1)
    return dict(worker)


def _heard(cast: Cast, worker_id: str) -> None:
    """Two heartbeats later it has surely heard what it was told."""
    for _ in range(2):
        last = cast.owner.call(f"GET {ONE}", worker_id)["last_heartbeat"]
        _wait(cast, worker_id, lambda worker, last=last: worker["last_heartbeat"] > last)  # type: ignore[misc]


@covers("GET /api/v1/workers", "GET /api/v1/workers/summary", f"GET {ONE}")
def see_workers(cast: Cast) -> None:
    worker = _only(cast)
    assert set(worker) == SEEN_BY_TENANTS
    assert cast.owner.call("GET /api/v1/workers", queue_name="nobody-uses-it")["workers"] == []
    machine = worker["name"].rsplit("-", 1)[0]
    assert cast.owner.call("GET /api/v1/workers", machine_id=machine, queue_name="default")["count"] == 1
    summary = cast.owner.call("GET /api/v1/workers/summary")
    assert (summary["online"], summary["total_slots"]) == (1, worker["slots"])
    assert cast.owner.call(f"GET {ONE}", worker["worker_id"])["name"] == worker["name"]
    assert cast.owner.refused(f"GET {ONE}", cast.world.story) == (404, "not_found")


@covers(f"POST {ONE}/pause", f"POST {ONE}/resume")
def pause_and_resume(cast: Cast) -> None:
    worker_id = _only(cast)["worker_id"]
    assert cast.owner.refused(f"POST {ONE}/pause", worker_id) == (403, "forbidden")
    paused = cast.operator.call(f"POST {ONE}/pause", worker_id, body={"reason": "repairs"})
    assert (paused["status"], paused["reason"]) == ("paused", "repairs")
    _heard(cast, worker_id)
    run = cast.world.api.submit(SAY_HELLO)
    _heard(cast, worker_id)
    waiting = cast.world.api.get(f"/api/v1/workflows/{run}").data
    assert (waiting["status"], waiting["why_waiting"][0]["code"]) == ("pending", "no_worker")
    assert cast.operator.call(f"POST {ONE}/resume", worker_id)["status"] == "online"
    assert cast.world.api.wait_until(run)["status"] == "completed"


@covers(f"PUT {ONE}/capacity")
def change_capacity(cast: Cast) -> None:
    worker = _only(cast)
    worker_id, before = worker["worker_id"], worker["max_concurrent_tasks"]
    assert cast.operator.call(f"PUT {ONE}/capacity", worker_id)["max_concurrent_tasks"] == before
    body = {"max_concurrent_tasks": 7, "batch_size": 3}
    changed = cast.operator.call(f"PUT {ONE}/capacity", worker_id, body=body)
    assert (changed["max_concurrent_tasks"], changed["batch_size"]) == (7, 3)
    back = cast.operator.call(f"PUT {ONE}/capacity", worker_id, body={"max_concurrent_tasks": None})
    assert (back["max_concurrent_tasks"], back["batch_size"]) == (before, 3)
    resumed = cast.operator.call(f"POST {ONE}/resume", worker_id, body={"batch_size": 50})
    assert resumed["batch_size"] == 50
    assert cast.operator.call(f"PUT {ONE}/capacity", worker_id, body={"batch_size": 0}, answers=422)["code"]


@covers(f"POST {ONE}/drain", f"DELETE {ONE}", "POST /api/v1/workers/cleanup")
def drain_and_forget(cast: Cast) -> None:
    """A worker that is drained while it has work can be called back; one that is alive cannot be forgotten."""
    worker_id = _only(cast)["worker_id"]
    assert cast.operator.call(f"POST {ONE}/drain", worker_id)["status"] == "draining"
    assert cast.operator.call(f"POST {ONE}/resume", worker_id)["worker_id"] == worker_id
    _wait(cast, worker_id, lambda worker: worker["status"] == "online")
    assert cast.operator.refused(f"DELETE {ONE}", worker_id) == (409, "conflict")
    assert cast.operator.refused(f"DELETE {ONE}", cast.world.story) == (404, "not_found")
    assert cast.operator.call("POST /api/v1/workers/cleanup") == {"workers": [], "count": 0}
    assert cast.operator.call("POST /api/v1/workers/cleanup", body={"threshold_seconds": 1}, answers=422)["code"]
