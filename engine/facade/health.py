"""Health that means progress: red when due work is not being claimed."""

from __future__ import annotations

from engine.db.connection import Connection
from engine.db.errors import translated
from engine.db.queries import load
from engine.model.views import Health, WorkerView

_sql = load("run")

STUCK_AFTER_SECONDS = 30.0  # due work that nobody claims for so long is a problem
SILENT_AFTER_SECONDS = 15.0  # workers measure every few seconds; older figures mean that none is alive


def health(connection: Connection) -> Health:
    """Measures of the whole installation, not of one tenant."""
    live = workers(connection)
    with translated():
        measures = {row["measure"]: row for row in _sql.health.many(connection)}
    oldest = measures.get("oldest_due_seconds")
    due = measures.get("due_tasks")
    stuck = measures.get("stuck_tasks")
    seconds = oldest["value"] if oldest else 0.0
    problem = _problem(
        len(live), oldest["age_seconds"] if oldest else None, seconds, int(stuck["value"]) if stuck else 0
    )
    return Health(
        healthy=not problem,
        problem=problem,
        workers=len(live),
        oldest_due_seconds=seconds,
        due_tasks=int(due["value"]) if due else 0,
    )


def workers(connection: Connection) -> list[WorkerView]:
    """Live workers, by name."""
    with translated():
        return [WorkerView(**row) for row in _sql.workers.many(connection)]


def _problem(live: int, age_seconds: float | None, oldest_due_seconds: float, stuck_tasks: int) -> str:
    if live == 0:
        return "no worker is running"
    if age_seconds is None or age_seconds > SILENT_AFTER_SECONDS:
        return "no worker has reported for a while"
    if oldest_due_seconds > STUCK_AFTER_SECONDS:
        return f"due work has been waiting for {oldest_due_seconds:.0f} s and is not being claimed"
    if stuck_tasks:
        return f"{stuck_tasks} open tasks are stuck; the log of the workers names them"
    return ""
