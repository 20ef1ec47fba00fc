"""The commands that start runs, how a submission meets others (a limit of one, the only run of its key, a flurry, a batch), and their queue's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from engine import facade
from engine.db.connection import Connection, cursor
from engine.db.errors import StateError
from engine.facade.queues import QueueChange
from engine.model.flow import Batch, Debounce, FlowLimit, FlowOptions, Singleton
from tests.model.asked import Asked
from tests.model.commands import Command, workflow_of
from tests.model.definitions import definition_of
from tests.model.model import ENDED
from tests.model.player import DivergenceError
from tests.model.stages import Workflow

CALM_SECONDS, CALM_MOST = 30, 50
BATCH_SIZE, BATCH_SECONDS = 3, 30
FLOWS = {
    "slot": FlowOptions(limits=(FlowLimit("concurrency", "slot", 1),)),
    "queue": FlowOptions(singleton=Singleton("queue", "queue")),
    "single": FlowOptions(singleton=Singleton("single")),
    "calm": FlowOptions(debounce=Debounce("calm", CALM_SECONDS, CALM_MOST)),
    "batch": FlowOptions(batch=Batch("batch", BATCH_SIZE, BATCH_SECONDS)),
}
_PLANNED = "SELECT attempt, state, extract(epoch FROM highway.now() - created_at)::float8 AS age FROM highway.task WHERE task_id = %s"


Made = TypeVar("Made")


class Submitting:
    """Part of the machine."""

    tenant: UUID
    queue: str
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    held_queue: bool
    draining: bool
    runs: Callable[[], list[UUID]]
    state: Callable[[UUID], tuple[str, str]]

    def _do_submit(self, command: Command) -> None:
        workflow = workflow_of(command)
        flow = command.get("flow", "")
        if flow == "batch" and workflow.goes_on:
            flow = ""  # its inputs say which of its chain it is
        starter = command.get("by", "")
        which = self._registered(workflow) | {"triggered_by": starter}
        inputs = {"round": 0, "number": len(self.asked)}
        joins = self._joins(flow)
        run = self._let_in(
            lambda: facade.submit(**which, inputs=inputs, delay_seconds=command["delay"], flow=FLOWS.get(flow))
        )
        if run is None:
            return
        if (run.workflow_run_id if run.joined else None) != joins:
            raise DivergenceError(f"a submission under {flow!r} is {run}, and should have joined {joins}")
        if joins is not None:
            self._join(joins, flow, inputs, starter)
        elif flow == "batch":
            self.asked[run.workflow_run_id] = Asked(
                workflow, {"items": [inputs]}, BATCH_SECONDS, flow, starters=(starter,)
            )
        else:
            delay = CALM_SECONDS if flow == "calm" else command["delay"]
            self.asked[run.workflow_run_id] = Asked(workflow, inputs, delay, flow, starters=(starter,))

    def _do_flurry(self, command: Command) -> None:
        """Several runs by one call."""
        workflow = workflow_of(command)
        starter = command.get("by", "")
        which = self._registered(workflow) | {"triggered_by": starter}
        inputs: list[dict[str, Any]] = [{"round": 0, "number": number} for number in range(2)]
        made = self._let_in(lambda: facade.submit_many(**which, inputs=inputs, delay_seconds=command["delay"]))
        for run_id, each in zip(made or (), inputs, strict=made is not None):
            self.asked[run_id] = Asked(workflow, each, command["delay"], starters=(starter,))

    def _registered(self, workflow: Workflow) -> dict[str, Any]:
        """What every submission of the workflow says."""
        which: dict[str, Any] = {"connection": self.web, "tenant_id": self.tenant}
        for child in workflow.children():
            facade.register(**which, definition=definition_of(child))
        reference = facade.register(**which, definition=definition_of(workflow))
        return which | {"definition_id": reference.definition_id, "queue": self.queue}

    def _let_in(self, act: Callable[[], Made]) -> Made | None:
        """Start something; None when the queue is draining, and takes nothing."""
        try:
            made = act()
        except StateError as error:
            if not self.draining:
                raise DivergenceError(f"a submission was refused: {error}") from error
            return None
        if self.draining:
            raise DivergenceError("a queue that is draining took a run")
        return made

    def _join(self, run_id: UUID, flow: str, inputs: dict[str, Any], starter: str) -> None:
        """What the run that takes a submission in makes of it."""
        asked = self.asked[run_id]
        if flow in ("calm", "batch") and starter not in asked.starters:
            asked.starters = (*asked.starters, starter)
        # Nearly: the key is taken a moment before the run is there.
        age = self._planned(run_id)["age"] - 0.1
        if flow == "calm":
            asked.inputs, asked.delay = inputs, min(age + CALM_SECONDS, CALM_MOST - 0.1)
        elif flow == "batch":
            asked.inputs = {"items": [*asked.inputs["items"], inputs]}
            asked.delay = age if len(asked.inputs["items"]) == BATCH_SIZE else asked.delay

    def _do_retry(self, command: Command) -> None:
        runs = self.runs()
        run_id = runs[command["run"] % len(runs)] if runs else None
        if run_id is None or self.state(run_id)[0] not in ENDED:
            return
        try:
            again = facade.retry(self.web, tenant_id=self.tenant, workflow_run_id=run_id)
        except StateError as error:
            if not (self.is_taken(run_id) or self.draining):
                raise DivergenceError(f"the retry of {run_id} was refused: {error}") from error
            return
        self.asked[again.workflow_run_id] = self.asked[run_id].follower()

    def _do_hold_queue(self, _command: Command) -> None:
        self._change_queue(QueueChange(paused=True))
        self.held_queue = True

    def _do_drain(self, _command: Command) -> None:
        self._change_queue(QueueChange(draining=True))
        self.draining = True

    def _do_free_queue(self, _command: Command) -> None:
        self.free_queue()

    def free_queue(self) -> None:
        """It is served again, and takes new runs."""
        self._change_queue(QueueChange(paused=False, draining=False))
        self.held_queue = self.draining = False

    def _change_queue(self, change: QueueChange) -> None:
        for name in (self.queue, f"{self.queue}:activities"):
            facade.change_queue(self.web, tenant_id=self.tenant, name=name, change=change, by="model")

    def is_taken(self, run_id: UUID) -> bool:
        """Whether the run was the only one of its key, and another one is now."""
        return self.asked[run_id].flow == "single" and self._joins("single") is not None

    def _joins(self, flow: str) -> UUID | None:
        """The run that takes a submission in."""
        standing = [run_id for run_id in self.runs() if flow and self.asked[run_id].flow == flow]
        if flow == "single":
            return next((run_id for run_id in standing if self.state(run_id)[0] not in ENDED), None)
        if flow not in ("calm", "batch") or not standing or self.asked[standing[-1]].restarts:
            return None
        if flow == "batch" and len(self.asked[standing[-1]].inputs["items"]) == BATCH_SIZE:
            return None
        planned = self._planned(standing[-1])
        return standing[-1] if planned["attempt"] == 0 and planned["state"] in ("pending", "sleeping") else None

    def _planned(self, run_id: UUID) -> dict[str, Any]:
        row = cursor(self.worker).execute(_PLANNED, [run_id]).fetchone()
        assert row is not None
        return row
