"""The three golden workflows, and what each promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.model.json import JsonObject
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.integration.api.client import ENDED, Client

HERE = Path(__file__).parent
NAMES = ["demo_v2", "disaster_recovery", "ultimate_correctness"]
DEMO = (
    "PHASE1_SETUP::PHASE2A_RETRY_SUCCESS::PHASE2B_TIMEOUT_COMPENSATED::PHASE3_EVENT_RECEIVED::PHASE4_SYNC_GATE_PASSED"
    "::PHASE5_LOOP_ELSE_1::PHASE5_LOOP_IF_2::PHASE5_LOOP_ELSE_3::PHASE6_END"
)
DISASTER = [
    *(
        "WORKFLOW_START",
        "BRANCH_A_SUCCESS",
        "BRANCH_B_COMPENSATION_SUCCESS",
        "BRANCH_C_EVENT_RECEIVED",
        "SYNC_GATE_PASSED",
    ),
    *("PROCESSED_first.csv", "VALIDATED_first.csv", "PROCESSED_second.csv", "VALIDATED_second.csv"),
    *("SWITCH_CASE_ANIMALS", "SWITCH_JOINED", "WHILE_ROUND_0", "WHILE_ROUND_1", "WORKFLOW_END"),
]


def source(name: str) -> str:
    """What a user writes."""
    return (HERE / f"{name}.py").read_text()


def definition(name: str) -> JsonObject:
    """Compile the Python DSL source as the platform does: in the sandbox."""
    compiled = compile_python(source(name), BubblewrapSandbox())
    assert isinstance(compiled, Compiled), compiled
    return compiled.definition


def keeps_its_promise(name: str, result: Any) -> bool:
    """Whether the result of a completed run is what the workflow promises."""
    if name == "demo_v2":
        return bool(result["phase6_end"]["stdout"] == DEMO)
    if name == "disaster_recovery":
        return bool(result["workflow_end"]["stdout"].splitlines() == DISASTER)
    return bool(result["verdict"] == "EVERY_STEP_EXACTLY_ONCE")


@dataclass
class GoldenRun:
    """One run, started through the REST API with the source that a user would send."""

    client: Client
    name: str
    run_id: str = ""
    run: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Submit it."""
        answer = self.client.post("/api/v1/workflows", {"python_dsl": source(self.name)})
        assert answer.status == 201, answer.json
        self.run_id = answer.data["workflow_run_id"]

    @property
    def is_over(self) -> bool:
        return self.run.get("status") in ENDED

    def look(self) -> None:
        """See how it stands."""
        self.run = self.client.get(f"/api/v1/workflows/{self.run_id}").data

    def problems(self) -> list[str]:
        """What was not as promised."""
        if self.run.get("status") != "completed":
            return [f"it is {self.run.get('status')}: {self.run.get('error_details')}"]
        result = self.run["result"]
        return [] if keeps_its_promise(self.name, result) else [f"it gave {result}"]
