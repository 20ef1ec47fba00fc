"""How a run is doing: its steps, and why it is not going on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.facade.steps import assemble
from engine.facade.story import list_logs
from engine.facade.tenancy import tenant_transaction
from engine.facade.waiting import why_waiting
from engine.model.views import Reason, RunView, StepView, StoryEntry

_sql = load("run")


@dataclass(frozen=True, slots=True)
class Situation:
    """Steps as `list_steps` gives them, causes as `why_waiting` does, and the first lines of the log."""

    steps: list[StepView]
    reasons: list[Reason]
    logs: list[StoryEntry]


def run_situation(
    connection: Connection, *, tenant_id: UUID, run: RunView, steps: int, log_lines: int = 0
) -> Situation:
    """Up to so many steps and lines. Nothing is read twice; what an ended run cannot wait for is not read at all."""
    which = {"tenant_id": tenant_id, "workflow_run_id": run.workflow_run_id}
    with tenant_transaction(connection, tenant_id):
        done = _sql.checkpoints.many(connection, **which, scope=None, step_key=None, after=0, quantity=steps)
        waits = _sql.waits.many(connection, **which)
        tasks = _sql.tasks.many(connection, **which)
        failures = _sql.journal.many(connection, **which, kinds=["attempt_failed"], after=0, quantity=steps)
        return Situation(
            assemble(done, waits, tasks, failures),
            why_waiting(connection, tenant_id=tenant_id, run=run),
            _logs(connection, tenant_id, run, log_lines) if log_lines else [],
        )


def _logs(connection: Connection, tenant_id: UUID, run: RunView, quantity: int) -> list[StoryEntry]:
    return list_logs(connection, tenant_id=tenant_id, workflow_run_id=run.workflow_run_id, quantity=quantity)
