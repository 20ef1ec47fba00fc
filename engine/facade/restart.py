"""Restart in place: a run that failed or was stopped goes on from where it went wrong.

What succeeded stays. The branches, activities and child runs that ended badly and that no step has answered for go on in place, too, each from its
own failed step: their keys are what identifies them, so a child that is asked for again is found and waited for again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import NotFoundError, StateError
from engine.db.queries import load
from engine.facade.history import History, load_history
from engine.facade.tenancy import tenant_transaction
from engine.interpreter.forgetting import excused, heard_in_vain
from engine.model.facts import Recorded
from engine.model.json import Json

_sql = load("control")
_BADLY = frozenset({"failed", "cancelled", "compensated"})


def restart(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, by: str = "", reason: str = "") -> str:
    """Let a failed or cancelled run go on from its failed step; returns its status now.

    Raises `StateError` for a run that is open, completed or compensated, and for a child run, which goes on with its parent.
    """
    with tenant_transaction(connection, tenant_id):
        rows = _sql.hold_for_restart.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        if not rows:
            raise NotFoundError(f"no workflow run {workflow_run_id}")
        family = _Family(connection, tenant_id, rows)
        family.check(workflow_run_id)
        for plan in family.plans(workflow_run_id):
            _sql.restart.run(
                connection,
                tenant_id=tenant_id,
                workflow_run_id=plan.workflow_run_id,
                task_ids=plan.tasks,
                scopes=[scope for scope, _ in plan.removed],
                keys=[key for _, key in plan.removed],
                by=by,
                reason=reason,
            )
    return "pending"


@dataclass(slots=True)
class _Plan:
    """What is done to one run: its tasks that go on, its checkpoints (scope, key) that are taken out, its child runs that go on with it."""

    workflow_run_id: UUID
    tasks: list[UUID] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)
    children: list[UUID] = field(default_factory=list)


class _Family:
    def __init__(self, connection: Connection, tenant_id: UUID, rows: list[Row]) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._rows = rows

    def check(self, run_id: UUID) -> None:
        root = next(row for row in self._rows if row["task_id"] == run_id)
        if root["state"] not in ("failed", "cancelled"):
            raise StateError(
                f"workflow run {run_id} is {root['state']}; only a failed or cancelled run can be restarted"
            )
        if root["parent_run_id"] is not None:
            raise StateError(f"workflow run {run_id} was started by {root['parent_run_id']}: restart that one")

    def plans(self, run_id: UUID) -> Iterator[_Plan]:
        """The plan of the run, then those of the child runs that go on with it."""
        tasks = [row for row in self._rows if row["workflow_run_id"] == run_id]
        history = load_history(self._connection, tenant_id=self._tenant_id, tasks=tasks)
        plan = _Plan(run_id)
        self._go_on(history, history.root, plan)
        yield plan
        for child in plan.children:
            yield from self.plans(child)

    def _go_on(self, history: History, task: Row, plan: _Plan) -> None:
        if task["state"] == "compensated":
            raise StateError(f"{task['key'] or 'the run'} was compensated: what it did is undone, it cannot go on")
        scope = task["key"]
        gone = history.forgotten(task)
        plan.tasks.append(task["task_id"])
        remaining = [step for step in history.steps.get(scope, []) if step.key not in gone]
        bad = self._ended_badly(task, excused(remaining))
        payloads = [_told(forked) for forked in bad if forked["completion_event"]]
        gone |= heard_in_vain(history.program_of(task).graph, remaining, payloads)
        plan.removed += [(scope, key) for key in sorted(gone)]
        for forked in bad:
            if forked["kind"] != "workflow":
                self._go_on(history, forked, plan)
            elif forked["state"] == "cancelled" or not _is_settled(scope, forked["report_key"], remaining):
                plan.children.append(forked["workflow_run_id"])

    def _ended_badly(self, task: Row, answered_for: set[str]) -> list[Row]:
        """What the task forked or started that ended badly and that no step has answered for."""
        mine = [row for row in self._rows if row["parent_task_id"] == task["task_id"] and row["state"] in _BADLY]
        return [row for row in mine if row["report_key"] not in answered_for]


def _told(activity: Row) -> Json:
    """What the completion event of an activity said of its end."""
    return {"status": activity["state"], "result": activity["result"], "error": activity["error"]}


def _is_settled(scope: str, child_key: str, remaining: list[Recorded]) -> bool:
    """Whether the step that started the child is over: it did not wait for it."""
    before = f"{scope}/" if scope else ""
    return any(step.outcome == "succeeded" and child_key.startswith(f"{before}{step.key}.") for step in remaining)
