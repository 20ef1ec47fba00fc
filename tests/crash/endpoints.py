"""Every mutating endpoint of the REST API: what it is applied to, what it is sent, and what else its key must not be used for.

A test compares this list with the routes themselves: a new one has to be here, or in `EXEMPT` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.crash.world import OTHER, World
from tests.integration.api.definitions import SAY_HELLO, WAIT_FOR_GO
from tests.support.archives import zipped


def nothing(_world: World) -> str:
    """It needs nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. ``{}`` in ``path`` is what ``prepare`` gives; it is also given to bodies that are functions.

    ``other`` is another body that the route would take; without one another query makes another request.
    """

    method: str
    path: str
    prepare: Callable[[World], str] = nothing
    body: Any = None
    other: Any = None
    status: int = 200
    tenant: str = "acme"
    sweeps: bool = False  # it may take away what another request is applied to

    def sent(self, thing: str) -> Any:
        """The body."""
        return self.body(thing) if callable(self.body) else self.body

    def sent_otherwise(self, thing: str) -> Any:
        """Another one."""
        return self.other(thing) if callable(self.other) else self.other


def _why(path: str, prepare: Callable[[World], str], **more: Any) -> Endpoint:
    """A change of something, with a reason."""
    return Endpoint("POST", path, prepare, {"reason": "this"}, {"reason": "that"}, **more)


def _submission(mark: str) -> Any:
    return {"workflow_definition": SAY_HELLO, "queue": "nobodys", "tags": [mark]}


def _submissions(mark: str) -> Any:
    return _submission(mark) | {"inputs": [{}, {"n": 2}]}


def _cancel_tagged(tag: str) -> Any:
    return {"action": "cancel", "filter": {"tags": [tag]}, "dry_run": False}


def _daily(name: str) -> Any:
    return {"name": name, "workflow_definition": WAIT_FOR_GO, "schedule_cron": "0 2 * * *"}


def _archive(mark: str) -> bytes:
    return zipped({"m.py": f"mark = {mark!r}"})


def _other_archive(mark: str) -> bytes:
    return _archive(f"another {mark}")


def _again(body: Callable[[str], Any], **more: Any) -> Callable[[str], Any]:
    """Such a body with something else in it."""
    return lambda thing: body(thing) | more


_TWO_DAYS = {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z", "dry_run": False}
_RUN, _SCHEDULE, _WORKER = "workflows/{}", "schedules/{}", "workers/{}"

ENDPOINTS: dict[str, Endpoint] = {
    "workflow-submit": Endpoint(
        "POST", "workflows", World.name, _submission, _again(_submission, inputs={"n": 1}), status=201
    ),
    "workflow-submit-batch": Endpoint(
        "POST", "workflows/batch", World.name, _submissions, _again(_submissions, inputs=[{"n": 1}]), status=201
    ),
    "workflow-cancel": _why(f"{_RUN}/cancel", World.open_run),
    "workflow-retry": Endpoint("POST", f"{_RUN}/retry", World.failed_run),
    "workflow-pause": _why(f"{_RUN}/pause", World.open_run),
    "workflow-resume": Endpoint("POST", f"{_RUN}/resume", World.paused_run, {}, None),
    "workflow-give-up": Endpoint("POST", f"{_RUN}/give-up", World.exhausted_run, {"step": "a"}, {"step": "b"}),
    "workflow-kill": _why(f"{_RUN}/kill", World.open_run),
    "workflow-restart": _why(f"{_RUN}/restart", World.failed_run),
    "workflow-fork": Endpoint(
        "POST",
        f"{_RUN}/fork",
        World.failed_run,
        {"from_step": "only"},
        {"from_step": "only", "inputs": {"n": 1}},
        status=201,
    ),
    "workflow-change": Endpoint("PATCH", _RUN, World.unstarted_run, {"delay_seconds": 7200}, {"delay_seconds": 9000}),
    "workflow-bulk": Endpoint(
        "POST", "workflows/bulk", World.tagged_run, _cancel_tagged, _again(_cancel_tagged, dry_run=True)
    ),
    "attributes-change": Endpoint(
        "PATCH", f"{_RUN}/attributes", World.open_run, {"attributes": {"a": 1}}, {"attributes": {"a": 2}}
    ),
    "event-emit": Endpoint(
        "POST", f"{_RUN}/events", World.open_run, {"event_name": "go"}, {"event_name": "go", "payload": 1}
    ),
    "signal-send": Endpoint(
        "POST", f"{_RUN}/signals", World.open_run, {"signal_name": "s"}, {"signal_name": "s", "payload": 1}
    ),
    "update-request": Endpoint(  # nobody answers it: the answer names the update that is still open
        "POST",
        f"{_RUN}/updates",
        World.open_run,
        {"update_name": "u", "timeout_seconds": 0},
        {"update_name": "v", "timeout_seconds": 0},
        status=408,
    ),
    "activity-cancel": _why("activities/{}/cancel", World.activity),
    "activity-cleanup": Endpoint(
        "POST",
        "activities/cleanup-heartbeats",
        World.activity,
        {"retention_hours": 100},
        {"retention_hours": 99},
        sweeps=True,
    ),
    "schedule-create": Endpoint("POST", "schedules", World.name, _daily, _again(_daily, priority=1), status=201),
    "schedule-change": Endpoint("PATCH", _SCHEDULE, World.schedule, {"priority": 1}, {"priority": 2}),
    "schedule-delete": Endpoint("DELETE", _SCHEDULE, World.schedule),
    "schedule-pause": _why(f"{_SCHEDULE}/pause", World.schedule),
    "schedule-resume": Endpoint("POST", f"{_SCHEDULE}/resume", partial(World.schedule, state="paused")),
    "schedule-run": Endpoint("POST", f"{_SCHEDULE}/run", World.schedule, status=201),
    "schedule-backfill": Endpoint(
        "POST", f"{_SCHEDULE}/backfill", World.schedule, _TWO_DAYS, _TWO_DAYS | {"dry_run": True}
    ),
    "approval-approve": Endpoint("POST", "approvals/{}/approve", World.approval, {}, {"comment": "well"}),
    "approval-reject": Endpoint("POST", "approvals/{}/reject", World.approval, {}, {"comment": "no"}),
    "letter-requeue": Endpoint("POST", "dead-letters/{}/requeue", World.letter),
    "letter-purge": Endpoint("DELETE", "dead-letters/{}", World.letter),
    "letter-purge-many": Endpoint(
        "POST",
        "dead-letters/purge",
        partial(World.letter, reason="storage"),
        {"reasons": ["storage"], "dry_run": False},
        {"reasons": ["storage"], "dry_run": True},
        sweeps=True,
    ),
    "breaker-reset": Endpoint("POST", "circuit-breakers/{}/reset", World.breaker),
    "breaker-reset-all": Endpoint(
        "POST", "circuit-breakers/reset", partial(World.breaker, tenant=OTHER), tenant=OTHER, sweeps=True
    ),
    "queue-change": Endpoint("PATCH", "queues/{}", World.queue, {"max_running": 5}, {"max_running": 6}),
    "limit-change": Endpoint("PATCH", "limits/concurrency/{}", World.limit, {"limit": 5}, {"limit": 6}),
    "retention-change": Endpoint(
        "PUT",
        "retention",
        body={"keep_completed_days": 100, "keep_failed_days": None},
        other={"keep_completed_days": 200, "keep_failed_days": None},
    ),
    "artifact-store": Endpoint("POST", "artifacts", World.name, _archive, _other_archive, status=201),
    "artifact-delete": Endpoint("DELETE", "artifacts/{}", World.artifact),
    "module-store": Endpoint(
        "PUT", "modules/{}", World.module_name, b"def f(ctx): return 1", b"def f(ctx): return 2", status=201
    ),
    "module-delete": Endpoint("DELETE", "modules/{}", World.module),
    "worker-pause": _why(f"{_WORKER}/pause", World.worker),
    "worker-drain": Endpoint("POST", f"{_WORKER}/drain", World.worker),
    "worker-resume": Endpoint("POST", f"{_WORKER}/resume", World.worker, {"batch_size": 2}, {"batch_size": 3}),
    "worker-capacity": Endpoint("PUT", f"{_WORKER}/capacity", World.worker, {"batch_size": 2}, {"batch_size": 3}),
    "worker-forget": Endpoint("DELETE", _WORKER, partial(World.worker, is_alive=False)),
    "worker-cleanup": Endpoint(
        "POST",
        "workers/cleanup",
        partial(World.worker, is_alive=False),
        {"threshold_seconds": 80_000},
        {"threshold_seconds": 80_001},
        sweeps=True,
    ),
    "idempotency-forget": Endpoint("DELETE", "idempotency/{}", World.used_key),
    "idempotency-reset": Endpoint(
        "POST", "idempotency/reset-all", partial(World.used_key, tenant=OTHER), tenant=OTHER, sweeps=True
    ),
}
EXEMPT = {
    "schedule-scan": "it reads how schedules stand and changes nothing",
    "dsl-to-json": "it compiles what is sent and stores nothing",
    "workflow-compile": "it compiles what is sent and stores nothing",
}
