"""Runs a pattern through the REST API, and does to it what its file says is done from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.integration.api.client import ENDED, Client
from tests.workflow_examples.patterns.catalogue import Pattern
from tests.workflow_examples.patterns.trace import differences, named, with_number


@dataclass
class PatternRun:
    """One run of a pattern."""

    client: Client
    pattern: Pattern
    run_id: str = ""
    done: int = 0  # how much of what is done from outside
    run: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.pattern.id

    def start(self) -> None:
        """Submit the workflow."""
        self.run_id = self.client.submit(self.pattern.definition, inputs=self.pattern.inputs)

    @property
    def is_over(self) -> bool:
        return self.run.get("status") in ENDED

    def look(self) -> None:
        """See how the run stands, and do what is due."""
        self.run = self._get("")
        if self.is_over or self.done < len(self.pattern.during):
            self.steps = self._get("/steps")["steps"]
        while not self.is_over and self._next_is_due():
            self._act(self.pattern.during[self.done])
            self.done += 1

    def problems(self) -> list[str]:
        """What was not as its pattern says."""
        if not self.is_over:
            waiting = [f"{step['scope']}/{step['step_name']} {step['status']}" for step in self.steps]
            return [f"it is {self.run['status']} with {self.done} things done from outside: {waiting}"]
        return differences(self.pattern.expected, self.run, self.steps)

    def _next_is_due(self) -> bool:
        if self.done == len(self.pattern.during):
            return False
        when = self.pattern.during[self.done]["when"]
        return all(map(self._holds, [when] if isinstance(when, str) else when))

    def _holds(self, condition: str) -> bool:
        what, times = with_number(condition)
        name, _, status = what.rpartition(" ")
        return len(named(self.steps, name, status)) >= max(times, 1)

    def _act(self, action: dict[str, Any]) -> None:
        if "signal" in action:
            self._post("/signals", {"signal_name": action["signal"], "payload": action.get("payload")})
        elif "event" in action:
            self._post("/events", {"event_name": action["event"], "payload": action.get("payload")})
        elif "cancel" in action:
            self._post("/cancel", {"reason": action["cancel"]})
        else:
            activities = self._get("/activities")["activities"]
            [activity] = [one for one in activities if one["activity_name"] == action["cancel_activity"]]
            answer = self.client.post(f"/api/v1/activities/{activity['activity_id']}/cancel")
            assert answer.status == 200, answer.json

    def _get(self, what: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/workflows/{self.run_id}{what}").data

    def _post(self, what: str, body: dict[str, Any]) -> None:
        answer = self.client.post(f"/api/v1/workflows/{self.run_id}{what}", body)
        assert answer.status in (200, 201), (self.pattern.id, answer.json)
