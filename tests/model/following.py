"""Forks, and the activities of a run that are cancelled alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import Connection, cursor
from engine.db.errors import StateError
from tests.model.asked import Asked
from tests.model.commands import Command
from tests.model.definitions import definition_of
from tests.model.model import ENDED
from tests.model.player import DivergenceError

_ACTIVITIES = """
    SELECT t.task_id, t.workflow_run_id, t.key, t.state FROM highway.task AS t
     WHERE t.tenant_id = %s AND t.kind = 'activity' ORDER BY highway.is_open(t.state) DESC, t.task_id
"""
_UNDONE = """
    SELECT c.scope, c.step_key FROM highway.compensation AS c
      JOIN highway.task AS t ON t.tenant_id = c.tenant_id AND t.task_id = c.workflow_run_id
     WHERE c.tenant_id = %s AND c.workflow_run_id = %s AND t.phase = 'undoing'
"""
_EVENTS = "SELECT name, payload FROM highway.event WHERE tenant_id = %s AND workflow_run_id = %s"
_SIGNALS = "SELECT name, payload FROM highway.signal WHERE tenant_id = %s AND workflow_run_id = %s ORDER BY seq"
_ACTIVITYS_OWN = "activity:"  # so the names of the events begin by which activities tell of their ends


class Following:
    """Part of the machine."""

    tenant: UUID
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    draining: bool
    runs: Callable[[], list[UUID]]
    state: Callable[[UUID], tuple[str, str]]
    is_taken: Callable[[UUID], bool]

    def _do_fork(self, command: Command) -> None:
        runs = self.runs()
        if not runs:
            return
        run_id = runs[command["run"] % len(runs)]
        steps = list(definition_of(self.asked[run_id].workflow)["tasks"])  # type: ignore[arg-type]
        step = steps[command["step"] % len(steps)]
        may_refuse = self.draining or self.is_taken(run_id) or self._keeps_undone(run_id, step)
        try:
            forked = facade.fork(self.web, tenant_id=self.tenant, workflow_run_id=run_id, from_step=step)
        except StateError as error:
            if not may_refuse:
                raise DivergenceError(f"the fork of {run_id} from {step} was refused: {error}") from error
            return
        if may_refuse:
            raise DivergenceError(f"{run_id} was forked from {step}: {may_refuse}")
        self._take_over(run_id, forked.workflow_run_id)

    def _take_over(self, source: UUID, run_id: UUID) -> None:
        """What had come from outside before the step has come to the fork as well: some of the events, and the first of the signals."""
        asked = self.asked[run_id] = self.asked[source].follower()
        events = {row["name"]: row["payload"] for row in self._of_run(_EVENTS, source)}
        for row in self._of_run(_EVENTS, run_id):
            if events.get(row["name"]) != row["payload"]:
                raise DivergenceError(f"the event {row['name']} of {source} is another one in its fork {run_id}")
            if not row["name"].startswith(_ACTIVITYS_OWN):
                asked.emitted[row["name"]] = row["payload"]
        for row in self._of_run(_SIGNALS, run_id):
            asked.sent.setdefault(row["name"], []).append(row["payload"])
        for name, sent in asked.sent.items():
            if sent != self.asked[source].sent.get(name, [])[: len(sent)]:
                raise DivergenceError(f"the inbox of {name} of {source} is another one in its fork {run_id}: {sent}")

    def _keeps_undone(self, run_id: UUID, step: str) -> bool:
        """Whether something that was undone, or will be, comes before the step."""
        return any(
            _number(row["scope"] or row["step_key"]) < _number(step)
            or (row["scope"] != "" and _number(row["scope"]) == _number(step) and step != f"s{_number(step)}")
            for row in self._of_run(_UNDONE, run_id)
        )

    def _do_cancel_activity(self, command: Command) -> None:
        activities = cursor(self.worker).execute(_ACTIVITIES, [self.tenant]).fetchall()
        if not activities:
            return
        self.runs()
        chosen = activities[command["step"] % len(activities)]
        has_ended = chosen["state"] in ENDED
        try:
            facade.cancel_activity(self.web, tenant_id=self.tenant, activity_id=chosen["task_id"])
        except StateError as error:
            if not has_ended:
                raise DivergenceError(f"the activity {chosen} could not be cancelled: {error}") from error
            return
        if has_ended:
            raise DivergenceError(f"the activity {chosen} was cancelled")
        self.asked[chosen["workflow_run_id"]].withdrawn.add(chosen["key"])

    def _of_run(self, query: str, run_id: UUID) -> list[dict[str, Any]]:
        return cursor(self.worker).execute(query, [self.tenant, run_id]).fetchall()  # type: ignore[arg-type]


def _number(key: str) -> int:
    """Of the stage of the run itself that a step belongs to."""
    found = re.match(r"s(\d+)", key)
    assert found is not None
    return int(found[1])
