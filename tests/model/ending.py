"""Brings every open run to its end: the workers that still live, the services, time, and whatever the runs still wait for from outside."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING
from uuid import UUID

from engine import facade
from engine.db.connection import cursor
from engine.db.errors import StateError
from engine.queue.granting import grant_slots
from engine.services import SERVICES
from tests.model.player import DivergenceError

if TYPE_CHECKING:
    from tests.model.machine import Machine

ROUNDS = 400
_OPEN = """
    SELECT extract(epoch FROM min(least(t.available_at, a.expires_at)) - highway.now())::float8 AS seconds, count(*) AS tasks
      FROM highway.task AS t
      LEFT JOIN highway.approval AS a ON a.tenant_id = t.tenant_id AND a.task_id = t.task_id AND a.state = 'pending'
     WHERE t.tenant_id = %s AND highway.is_open(t.state)
"""
_PAUSED = """
    SELECT r.workflow_run_id FROM highway.workflow_run AS r
     WHERE r.tenant_id = %s AND r.paused_at IS NOT NULL AND r.finished_at IS NULL ORDER BY r.workflow_run_id
"""
_WANTED = """
    SELECT w.workflow_run_id, w.kind, w.event_name FROM highway.wait AS w
     WHERE w.tenant_id = %s AND w.kind IN ('event', 'signal', 'update') AND w.due_at IS NULL AND w.given IS NULL
       AND w.event_name NOT LIKE 'activity:%%'
     ORDER BY w.workflow_run_id, w.event_name
"""

_MOVING = ("admission", "deadlines", "orphans", "activities")


class Ending:
    """The end of one program."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._chance = random.Random(0)

    def reach(self) -> None:
        """Raises `DivergenceError` when there is an end that cannot be reached."""
        machine = self._machine
        for number, player in enumerate(machine.players):
            if player is not None and player.frozen:
                player.close()
                machine.players[number] = None
        machine.free_queue()
        machine.end_schedules()
        machine.rescue()
        for _ in range(ROUNDS):
            worked = self._work()
            left = cursor(machine.worker).execute(_OPEN, [machine.tenant]).fetchone()
            assert left is not None
            if left["tasks"] == 0:
                return
            if not worked and not self._resume() and not self._serve() and not self._supply():
                if left["seconds"] is None:
                    raise DivergenceError(f"{left['tasks']} tasks are open and nothing will move them: {self._story()}")
                machine.move_clock(max(1, int(left["seconds"]) + 1))
        raise DivergenceError(f"not at the end after {ROUNDS} rounds: {self._story()}")

    def _work(self) -> bool:
        players = [self._machine.player(0), *filter(None, self._machine.players[1:])]
        for player in players:
            player.look()
        worked = grant_slots(self._machine.worker) > 0
        worked |= players[0].claim(50) > 0
        for player in players:
            while player.step(self._chance):
                worked = True
        return worked

    def _resume(self) -> bool:
        machine = self._machine
        paused = cursor(machine.worker).execute(_PAUSED, [machine.tenant]).fetchall()
        for row in paused:
            with contextlib.suppress(StateError):  # it went on with the run above it
                facade.resume(machine.web, tenant_id=machine.tenant, workflow_run_id=row["workflow_run_id"])
        return bool(paused)

    def _serve(self) -> bool:
        """Services that let runs in and stop them; how much the others do says nothing."""
        stopping = [service for service in SERVICES if service.name in _MOVING]
        ended = sum(service.step(self._machine.worker, self._machine.player(0).worker_id) for service in stopping)
        return ended + self._machine.expire() > 0

    def _supply(self) -> bool:
        machine = self._machine
        wanted = cursor(machine.worker).execute(_WANTED, [machine.tenant]).fetchall()
        machine.runs()
        for row in wanted:
            self._give(row["workflow_run_id"], row["kind"], row["event_name"])
        return bool(wanted) | machine.decide_the_rest()

    def _give(self, run_id: UUID, kind: str, name: str) -> None:
        machine = self._machine
        which = {"connection": machine.web, "tenant_id": machine.tenant, "workflow_run_id": run_id, "name": name}
        asked = machine.asked[run_id]
        try:
            if kind == "event":
                if facade.emit_event(**which, payload={"from": "the end"}):
                    asked.emitted[name] = {"from": "the end"}
            elif kind == "signal":
                sent = asked.sent.setdefault(name, [])
                facade.send_signal(**which, payload=len(sent))
                sent.append(len(sent))
            else:
                machine.updates.append(facade.request_update(**which, payload=1))
        except StateError as error:
            raise DivergenceError(f"a run that waits for {kind} {name} does not take one: {error}") from error

    def _story(self) -> str:
        rows = cursor(self._machine.worker).execute(
            "SELECT workflow_run_id, key, kind, state, phase, available_at, attempt, epoch, cancel_requested FROM highway.task"
            " WHERE tenant_id = %s AND highway.is_open(state)",
            [self._machine.tenant],
        )
        return "; ".join(str(row) for row in rows.fetchall())
