"""The commands that start runs, and how a submission meets others: under a limit of one, as the only run of its key, or in a flurry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import Connection, cursor
from engine.db.errors import StateError
from engine.model.flow import Debounce, FlowLimit, FlowOptions, Singleton
from tests.model.commands import Command, workflow_of
from tests.model.model import ENDED, Asked
from tests.model.player import DivergenceError

CALM_SECONDS, CALM_MOST = 30, 50
FLOWS = {
    "slot": FlowOptions(limits=(FlowLimit("concurrency", "slot", 1),)),
    "queue": FlowOptions(singleton=Singleton("queue", "queue")),
    "single": FlowOptions(singleton=Singleton("single")),
    "calm": FlowOptions(debounce=Debounce("calm", CALM_SECONDS, CALM_MOST)),
}
KEPT = ("slot", "queue", "single")  # what a retry is under as well
_PLANNED = "SELECT attempt, state, extract(epoch FROM highway.now() - created_at)::float8 AS age FROM highway.task WHERE task_id = %s"


class Submitting:
    """Part of the machine."""

    tenant: UUID
    queue: str
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    runs: Callable[[], list[UUID]]
    state: Callable[[UUID], tuple[str, str]]

    def _do_submit(self, command: Command) -> None:
        workflow, flow = workflow_of(command), command.get("flow", "")
        which: dict[str, Any] = {"connection": self.web, "tenant_id": self.tenant}
        for child in workflow.children():
            facade.register(**which, definition=child.definition())
        reference = facade.register(**which, definition=workflow.definition())
        joins = self._joins(flow)
        run = facade.submit(
            **which,
            definition_id=reference.definition_id,
            inputs={},
            queue=self.queue,
            delay_seconds=command["delay"],
            flow=FLOWS.get(flow),
        )
        if (run.workflow_run_id if run.joined else None) != joins:
            raise DivergenceError(f"a submission under {flow!r} is {run}, and should have joined {joins}")
        if joins is None:
            self.asked[run.workflow_run_id] = Asked(
                workflow, CALM_SECONDS if flow == "calm" else command["delay"], flow
            )
        elif flow == "calm":
            # Nearly: the key is taken a moment before the run is there.
            self.asked[joins].delay = min(self._planned(joins)["age"] + CALM_SECONDS, CALM_MOST) - 0.1

    def _do_retry(self, command: Command) -> None:
        runs = self.runs()
        run_id = runs[command["run"] % len(runs)] if runs else None
        if run_id is None or self.state(run_id)[0] not in ENDED:
            return
        asked = self.asked[run_id]
        try:
            again = facade.retry(self.web, tenant_id=self.tenant, workflow_run_id=run_id)
        except StateError as error:
            if not self.is_taken(run_id):
                raise DivergenceError(f"the retry of {run_id} was refused: {error}") from error
            return
        self.asked[again.workflow_run_id] = Asked(asked.workflow, flow=asked.flow if asked.flow in KEPT else "")

    def is_taken(self, run_id: UUID) -> bool:
        """Whether the run was the only one of its key, and another one is now."""
        return self.asked[run_id].flow == "single" and self._joins("single") is not None

    def _joins(self, flow: str) -> UUID | None:
        """The run that takes a submission in."""
        standing = [run_id for run_id in self.runs() if flow and self.asked[run_id].flow == flow]
        if flow == "single":
            return next((run_id for run_id in standing if self.state(run_id)[0] not in ENDED), None)
        if flow != "calm" or not standing or self.asked[standing[-1]].restarts:
            return None
        planned = self._planned(standing[-1])
        return standing[-1] if planned["attempt"] == 0 and planned["state"] in ("pending", "sleeping") else None

    def _planned(self, run_id: UUID) -> dict[str, Any]:
        row = cursor(self.worker).execute(_PLANNED, [run_id]).fetchone()
        assert row is not None
        return row
