"""Runs of the gallery's templates: with the example of their inputs and in the other ways that they tell of, and what each gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.integration.api.client import ENDED, Client
from workflows.gallery.catalog import templates

# A step near the end of each, and what it says or gives.
GIVES: dict[str, tuple[str, Any]] = {
    "answer_letters": ("close", "question of ada@example.org"),
    "ask_the_data": ("tell", "Rusk: one is left."),
    "careful_api_calls": ("report", "asked for 3 customers"),
    "divide_and_conquer": ("answer", 18),
    "draft_and_verify": ("publish", "A few words on durable work (1 turn)"),
    "durable_saga": ("tell", 'booked: ["flight of T-5", "hotel of T-5", "car of T-5"]'),
    "endless_by_pages": ("finish", "worked through everything before 2"),
    "etl_list": ("report", "3 files, sum 18"),
    "event_branches": ("analyse", "orders can be asked"),
    "fan_out_fan_in": ("advise", "rain in Utrecht, roads are slow"),
    "guarded_import": ("thank", "north delivered 3 rows"),
    "human_decision": ("publish", "contract-7 published, maria agreed"),
    "long_job": ("report", "trained in 1.0 s"),
    "nightly_report": ("add_up", {"line": "3 shops sold 60", "total": 60, "average": 20.0}),
    "mail_what_runs_low": ("close", "2 goods below 5"),
    "notify_by_choice": ("close", "everybody knows"),
    "one_at_a_time": ("note", re.compile(r"3 bookings under number \d+")),
    "order_pipeline": ("ship", "shipped A-1001: charged 42"),
    "poll_until_ready": ("fetch", "export of customers is ready"),
    "switch_routing": ("archive", "D-77 is archived"),
    "wait_for_callback": ("close", "P-9 is closed"),
}
# The other ways that a docstring or a drawing tells of: inputs that differ, what is sent, and how the run ends then.
OTHERWISE: dict[str, tuple[dict[str, Any], Any, str]] = {
    "durable_saga": ({"fail": True}, None, "compensated"),
    "guarded_import": ({"source": "west"}, None, "failed"),
    "mail_what_runs_low": ({"below": 1}, None, "completed"),
    "human_decision": ({}, {"approved": False, "by": "otto"}, "completed"),
    "order_pipeline": ({"card": "declined"}, None, "compensated"),
    "switch_routing": ({"kind": "love letter"}, None, "cancelled"),
}
# Those that use what a deployment lends to its workflows: models, mail, a database.
LENT = frozenset({"answer_letters", "ask_the_data", "mail_what_runs_low"})


@dataclass
class GalleryRun:
    """One run of a template: as it stands there, or in its other way."""

    client: Client
    template: str
    is_other: bool = False
    run_id: str = ""
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.template}, otherwise" if self.is_other else self.template

    def start(self) -> None:
        """Submit it, and send it at once what it will wait for."""
        template = templates()[self.template]
        change, payload, _ = OTHERWISE[self.template] if self.is_other else ({}, None, "")
        self.run_id = self.client.submit(template.definition, inputs=template.inputs | change)
        for send in template.sends:
            message = {f"{send.kind}_name": send.name, "payload": payload or send.payload}
            answer = self.client.post(f"/api/v1/workflows/{self.run_id}/{send.kind}s", message)
            assert answer.status in {200, 201}, answer.json

    @property
    def is_over(self) -> bool:
        return self.run.get("status") in ENDED and not self.run["continued_to"]

    def look(self) -> None:
        """See how it stands; one that went on as another is that one from then on."""
        self.run = self.client.get(f"/api/v1/workflows/{self.run_id}").data
        self.run_id = self.run["continued_to"] or self.run_id

    def problems(self) -> list[str]:
        """What was not as its test tells."""
        status = OTHERWISE[self.template][2] if self.is_other else "completed"
        if self.run.get("status") != status:
            return [f"it is {self.run.get('status')}, not {status}: {self.run.get('error')} {self.run.get('result')}"]
        if self.is_other:
            return []
        step, given = GIVES[self.template]
        found = self.run["result"].get(step)
        found = found["message"] if "message" in str(found) else found
        is_right = given.fullmatch(found) if isinstance(given, re.Pattern) else found == given
        return [] if is_right else [f"'{step}' gave {found!r}, not {given!r}"]


def runs(client: Client, *, lent: bool = False) -> list[GalleryRun]:
    """One of each way of each template; of those that need something lent only if there is something ``lent``."""
    every = [GalleryRun(client, name) for name in templates()] + [GalleryRun(client, name, True) for name in OTHERWISE]
    return [run for run in every if lent or run.template not in LENT]
