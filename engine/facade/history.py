"""The whole durable history of one run, as restarts and forks need it: its tasks, its checkpoints by scope, its program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.queries import load
from engine.facade.definitions import find_definition
from engine.interpreter import Program, compile_program
from engine.interpreter.forgetting import forgotten
from engine.language import read_definition
from engine.model.errors import StepError
from engine.model.facts import Recorded, TaskInfo
from engine.model.json import Json, JsonObject

_sql = load("control")


@dataclass(slots=True)
class History:
    """What a run has done. ``tasks`` stand in the order in which they were made, the run's own first."""

    tenant_id: UUID
    workflow_run_id: UUID
    tasks: list[Row]
    steps: dict[str, list[Recorded]]
    rows: list[Row]
    variables: dict[str, JsonObject]
    program: Program

    @property
    def root(self) -> Row:
        return next(task for task in self.tasks if task["key"] == "")

    def program_of(self, task: Row) -> Program:
        """What the task executes."""
        return self.program.at(task["path"])

    def forgotten(self, task: Row) -> set[str]:
        """Keys of what must be forgotten for the task to go on."""
        scope = task["key"]
        info = TaskInfo(
            tenant_id=self.tenant_id,
            workflow_run_id=self.workflow_run_id,
            scope=scope,
            inputs=task["inputs"],
            context=task["context"],
            variables=self.variables.get(scope, {}),
            started_date=task["created_at"].date().isoformat(),
        )
        reasons = {row["step_key"]: row["reason"] or "" for row in self.rows if row["scope"] == scope}
        return forgotten(self.program_of(task), info, self.steps.get(scope, []), reasons)


def load_history(connection: Connection, *, tenant_id: UUID, tasks: Sequence[Row]) -> History:
    """The history of the run that the tasks belong to; they are held by the caller, so that it stands still."""
    run_id, definition_id = tasks[0]["workflow_run_id"], tasks[0]["definition_id"]
    which: dict[str, Any] = {"tenant_id": tenant_id, "workflow_run_id": run_id}
    definition = find_definition(connection, tenant_id=tenant_id, definition_id=definition_id).definition
    rows = _sql.history.many(connection, **which)
    steps: dict[str, list[Recorded]] = defaultdict(list)
    for row in rows:
        error = StepError.from_json(row["error"]) if row["error"] else None
        steps[row["scope"]].append(Recorded(row["step_key"], row["operator"], row["outcome"], row["result"], error))
    variables: dict[str, dict[str, Json]] = defaultdict(dict)
    for row in _sql.all_variables.many(connection, **which):
        variables[row["scope"]][row["name"]] = row["value"]
    program = compile_program(read_definition(definition))
    return History(tenant_id, run_id, list(tasks), dict(steps), rows, dict(variables), program)
