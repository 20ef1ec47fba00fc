"""Schedules: what they start by the clock and by hand, and that no policy of overlap is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import Connection, cursor
from engine.db.errors import StateError
from engine.model.schedules import Overlap, ScheduleSpec
from tests.model.asked import Asked
from tests.model.commands import Command, workflow_of
from tests.model.player import DivergenceError
from tests.model.stages import Workflow

MOST = 2  # schedules of a program
CAUGHT_UP = 3  # ticks, at most, however long nobody looked
_FIRED = """
    WITH RECURSIVE chain AS (
        SELECT k.schedule_id, k.workflow_run_id AS first, k.workflow_run_id AS run_id FROM highway.schedule_tick AS k
         WHERE k.tenant_id = %(tenant)s AND k.outcome = 'fired'
         UNION ALL
        SELECT c.schedule_id, c.first, r.continued_to FROM chain AS c
          JOIN highway.workflow_run AS r ON r.tenant_id = %(tenant)s AND r.workflow_run_id = c.run_id
         WHERE r.continued_to IS NOT NULL
    )
    SELECT c.schedule_id, c.run_id FROM chain AS c
      JOIN highway.workflow_run AS r ON r.tenant_id = %(tenant)s AND r.workflow_run_id = c.run_id
     WHERE r.finished_at IS NULL
"""


@dataclass(frozen=True)
class Scheduled:
    """A schedule: its name, what it starts, and how its runs meet."""

    name: str
    workflow: Workflow
    overlap: Overlap


class Scheduling:
    """Part of the machine."""

    tenant: UUID
    queue: str
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    schedules: dict[UUID, Scheduled]
    draining: bool
    runs: Callable[[], list[UUID]]
    _registered: Callable[[Workflow], dict[str, Any]]

    def _do_schedule(self, command: Command) -> None:
        if len(self.schedules) == MOST:
            return
        workflow = workflow_of(command)
        self._registered(workflow)
        spec = ScheduleSpec(
            name=f"schedule-{len(self.schedules)}",
            workflow_name=workflow.name,
            timing="@every 1m",
            overlap=command["overlap"],
            catchup=command["catchup"],
            catchup_limit=CAUGHT_UP,
            inputs={"round": 0},
            queue=self.queue,
        )
        made = facade.create_schedule(self.web, tenant_id=self.tenant, spec=spec)
        self.schedules[made.schedule_id] = Scheduled(spec.name, workflow, spec.overlap)

    def _do_fire(self, command: Command) -> None:
        """By hand."""
        if not self.schedules:
            return
        schedule_id = list(self.schedules)[command["run"] % len(self.schedules)]
        policy = self.schedules[schedule_id].overlap
        try:
            facade.run_schedule_now(self.web, tenant_id=self.tenant, schedule_id=schedule_id, by="model")
        except StateError as error:
            if not (self.draining or (policy == "skip" and self._open_runs(schedule_id)) or policy == "buffer_one"):
                raise DivergenceError(f"a schedule whose runs {policy} did not fire: {error}") from error

    def end_schedules(self) -> None:
        """Nothing new is started by the clock."""
        for schedule_id in self.schedules:
            facade.delete_schedule(self.web, tenant_id=self.tenant, schedule_id=schedule_id)

    def overlaps(self) -> list[str]:
        """Runs of one schedule that are open together against its policy; one that was restarted came back by another way."""
        found = []
        for schedule_id, scheduled in self.schedules.items():
            if scheduled.overlap in ("allow", "cancel_other"):
                continue
            open_runs = [run_id for run_id in self._open_runs(schedule_id) if not self.asked[run_id].restarts]
            if len(open_runs) > 1:
                found.append(f"runs of a schedule that may not overlap are open together: {open_runs}")
        return found

    def _open_runs(self, schedule_id: UUID) -> list[UUID]:
        """What it has fired and has not ended, however it came to be open; another run of it would overlap with these."""
        self.runs()
        rows = cursor(self.worker).execute(_FIRED, {"tenant": self.tenant}).fetchall()
        return [row["run_id"] for row in rows if row["schedule_id"] == schedule_id]
