"""The commands that control runs: pause and resume, kill, restart, a changed start, priority."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import Connection, cursor
from engine.db.errors import StateError
from tests.model.asked import Asked
from tests.model.commands import Command
from tests.model.invariants import Watch
from tests.model.player import DivergenceError


class Control:
    """Part of the machine."""

    tenant: UUID
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    disturbed: bool
    watch: Watch
    tell: Callable[..., None]
    runs: Callable[[], list[UUID]]
    state: Callable[[UUID], tuple[str, str]]
    is_taken: Callable[[UUID], bool]

    def _do_pause(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            if facade.pause(self.web, tenant_id=self.tenant, workflow_run_id=run_id) != "running":
                return
            self.disturbed = True  # a call that was not started is asked for again

        self.tell(act, command, may_refuse=True)

    def _do_resume(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            facade.resume(self.web, tenant_id=self.tenant, workflow_run_id=run_id)

        self.tell(act, command, may_refuse=True)

    def _do_kill_run(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            facade.kill(self.web, tenant_id=self.tenant, workflow_run_id=run_id)
            for killed in self._open_below(run_id):
                raise DivergenceError(f"run {killed} is open after the kill of {run_id}")
            self.runs()
            self.asked[run_id].killed = True

        self.tell(act, command)

    def _do_set_priority(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            facade.set_priority(self.web, tenant_id=self.tenant, workflow_run_id=run_id, priority=command["priority"])

        self.tell(act, command)

    def _do_change_start(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            row = self._row("SELECT started_at, extract(epoch FROM highway.now() - created_at)::float8 AS age", run_id)
            facade.change_start(
                self.web, tenant_id=self.tenant, workflow_run_id=run_id, delay_seconds=command["seconds"]
            )
            if row["started_at"] is not None:
                raise DivergenceError(f"the start of {run_id} was moved after it")
            self.asked[run_id].delay = row["age"] + command["seconds"]

        self.tell(act, command, may_refuse=True)

    def _do_restart(self, command: Command) -> None:
        runs = self.runs()
        if not runs:
            return
        run_id = runs[command["run"] % len(runs)]
        before = {each: self.state(each)[0] for each in runs}
        try:
            facade.restart(self.web, tenant_id=self.tenant, workflow_run_id=run_id)
        except StateError as error:
            if before[run_id] in ("failed", "cancelled") and self._may_restart(run_id) and not self.is_taken(run_id):
                raise DivergenceError(f"the restart of {run_id} was refused: {error}") from error
            return
        if before[run_id] not in ("failed", "cancelled"):
            raise DivergenceError(f"a run that was {before[run_id]} was restarted")
        self.disturbed = True
        for each in runs:
            if self.state(each)[0] != before[each]:
                self.asked[each].restarted()
        self.watch.forget()

    def _may_restart(self, run_id: UUID) -> bool:
        row = self._row(
            "SELECT parent_run_id IS NULL AND NOT EXISTS (SELECT FROM highway.compensation AS c WHERE c.workflow_run_id = r.workflow_run_id)"
            " AND NOT EXISTS (SELECT FROM highway.task AS t WHERE t.workflow_run_id = r.workflow_run_id AND highway.is_open(t.state))"
            " AND NOT EXISTS (SELECT FROM highway.workflow_run AS c WHERE c.parent_run_id = r.workflow_run_id) AS may",
            run_id,
        )
        return bool(row["may"])

    def _open_below(self, run_id: UUID) -> list[UUID]:
        rows = cursor(self.worker).execute(
            "SELECT workflow_run_id FROM highway.workflow_run WHERE (workflow_run_id = %(run)s OR parent_run_id = %(run)s)"
            " AND finished_at IS NULL",
            {"run": run_id},
        )
        return [row["workflow_run_id"] for row in rows.fetchall()]

    def _row(self, select: str, run_id: UUID) -> dict[str, Any]:
        row = (
            cursor(self.worker)
            .execute(f"{select} FROM highway.workflow_run AS r WHERE workflow_run_id = %s", [run_id])
            .fetchone()
        )  # type: ignore[arg-type]
        assert row is not None
        return row
