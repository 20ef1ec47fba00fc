"""Why is it not going on? Answered for every open run, in words."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.queries import load
from engine.facade.flow_reasons import flow_reasons, step_rate_reason
from engine.facade.guards import list_locks
from engine.facade.health import workers
from engine.facade.tenancy import tenant_transaction
from engine.model.upkeep import LockView
from engine.model.views import Reason, RunView

_sql = load("run")


def why_waiting(connection: Connection, *, tenant_id: UUID, run: RunView) -> list[Reason]:
    """The causes, the most telling first; empty for an ended run and for one that is being executed right now."""
    if not run.is_open:
        return []
    which = {"tenant_id": tenant_id, "workflow_run_id": run.workflow_run_id}
    with tenant_transaction(connection, tenant_id):
        waits = _sql.waits.many(connection, **which)
        tasks = _sql.tasks.many(connection, **which)
        return causes(connection, run, tenant_id, waits, tasks)


def causes(connection: Connection, run: RunView, tenant_id: UUID, waits: list[Row], tasks: list[Row]) -> list[Reason]:
    """What these rows of an open run and flow control tell, inside the caller's transaction for the tenant."""
    flow = flow_reasons(connection, tenant_id=tenant_id, workflow_run_id=run.workflow_run_id)
    told = {reason.scope for reason in flow if not reason.step_key}
    served: dict[str, bool] = {}  # queue -> whether one of its workers takes work now
    for worker in workers(connection):
        served |= {queue: served.get(queue, False) or worker.takes_work for queue in worker.queues}
    reasons: list[Reason | None] = [_pause_reason(run), *flow]
    reasons += [_task_reason(task, served) for task in tasks if task["key"] not in told]
    reasons += [step_rate_reason(row) for row in waits if row["kind"] == "slot" and row["due_at"]]
    reasons += _lock_reasons(connection, tenant_id, run, waits)
    reasons += [_wait_reason(row) for row in waits if row["kind"] not in ("tasks", "slot", "lock")]
    reasons += [_wait_reason(row) for row in waits if row["kind"] == "tasks"]
    return [reason for reason in reasons if reason is not None]


def _pause_reason(run: RunView) -> Reason | None:
    if run.paused_at is None:
        return None
    verb = "paused" if run.status == "paused" else "asked to pause"
    return Reason(
        "paused", f"{verb} by {run.paused_by or 'somebody'}" + (f": {run.pause_reason}" if run.pause_reason else "")
    )


def _pending_reason(task: Row, served: dict[str, bool]) -> Reason:
    if task["queue"] not in served:
        return Reason("no_worker", f"no live worker serves the queue {task['queue']!r}", task["key"])
    if not served[task["queue"]]:
        return Reason("no_worker", f"every worker of the queue {task['queue']!r} is paused or draining", task["key"])
    return Reason("queued", f"queued in {task['queue']!r}, behind other due work", task["key"])


def _task_reason(task: Row, served: dict[str, bool]) -> Reason | None:
    if task["state"] == "pending":
        return _pending_reason(task, served)
    if task["state"] == "running" and task["worker"] is None:
        return Reason("worker_gone", "its worker is gone; another one takes it over in a moment", task["key"])
    if task["state"] == "running" and task["cancel_requested"]:
        return Reason("stopping", f"asked to stop; worker {task['worker']} is ending the step under way", task["key"])
    if task["state"] == "sleeping" and task["attempt"] == 0:
        return Reason("delayed", "its start is delayed", task["key"], until=task["available_at"])
    return None


def _wait_reason(row: Row) -> Reason:
    message = (row["error"] or {}).get("message", "unknown error")
    text = {
        "timer": "sleeping",
        "event": f"waiting for the event {row['event_name']!r}",
        "retry": f"attempt {row['attempt']} failed ({message}); the next one follows",
        "person": f"waiting for a person: attempt {row['attempt']} failed ({message}) and no more are left",
        "signal": f"waiting for a signal {row['event_name']!r}",
        "update": f"waiting for an update {row['event_name']!r}",
        "tasks": f"waiting for {row['needed']} of {len(row['awaited'] or ())} branches or children",
    }[row["kind"]]
    return Reason(row["kind"], text, row["scope"], row["step_key"], row["due_at"])


def _lock_reasons(connection: Connection, tenant_id: UUID, run: RunView, waits: list[Row]) -> list[Reason]:
    """Who holds the locks that steps stand in line for, since when, and how many come before."""
    due = {(row["scope"], _ticket(row)): row["due_at"] for row in waits if row["kind"] == "lock"}
    if not due:
        return []
    locks = list_locks(connection, tenant_id=tenant_id, workflow_run_id=run.workflow_run_id)
    return [
        Reason("lock", _line(lock), lock.scope, lock.step_key, due[lock.scope, lock.step_key])
        for lock in locks
        if (lock.scope, lock.step_key) in due
    ]


def _ticket(row: Row) -> str:
    """The key under which a wait stands in line: of durable code the note's, else the step's."""
    return str(row["request"].get("ticket") or row["step_key"])


def _line(lock: LockView) -> str:
    if lock.ahead == 0:
        return f"the lock {lock.name!r} has come to it; it goes on in a moment"
    since = f" since {lock.held_since:%Y-%m-%d %H:%M:%S} UTC" if lock.held_since else ""
    others = f", {lock.ahead - 1} others are before it" if lock.ahead > 1 else ""
    return f"waiting in line for the lock {lock.name!r}: run {lock.holder_run_id} holds it{since}{others}"
