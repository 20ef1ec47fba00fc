"""The three golden workflows, undisturbed and with a worker killed every two seconds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from engine.model.json import JsonObject
from engine.model.views import RunView
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.support.killing import killing
from tests.support.workers import Workers

HERE = Path(__file__).parent
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
NAMES = ["demo_v2", "disaster_recovery", "ultimate_correctness"]


def definition(name: str) -> JsonObject:
    """Compile the Python DSL source as the platform does: in the sandbox."""
    compiled = compile_python((HERE / f"{name}.py").read_text(), BubblewrapSandbox())
    assert isinstance(compiled, Compiled), compiled
    return compiled.definition


def check(workers: Workers, name: str, run: RunView) -> None:
    """What the workflow promises."""
    assert run.status == "completed", (run.error, workers.steps(run.workflow_run_id), workers.log())
    result: Any = workers.result(run.workflow_run_id)
    if name == "demo_v2":
        assert result["phase6_end"]["stdout"] == DEMO
    elif name == "disaster_recovery":
        assert result["workflow_end"]["stdout"].splitlines() == DISASTER
    else:
        assert result["verdict"] == "EVERY_STEP_EXACTLY_ONCE"


@pytest.mark.parametrize("name", NAMES)
def test_it_completes(name: str, workers: Workers) -> None:
    workers.start()
    check(workers, name, workers.finish(workers.submit(definition(name)), seconds=60))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.timeout(180)
def test_it_completes_while_a_worker_is_killed_every_two_seconds(name: str, workers: Workers) -> None:
    for _ in range(4):  # as compose starts them
        workers.start()
    workers.wait_for_workers(4)
    compiled: Any = definition(name)
    runs: list[UUID] = []
    with killing(workers.processes, workers.introduced, workers.kill, workers.start, every_seconds=2) as kills:
        while len(kills) < 3:
            runs.append(workers.submit(compiled, inputs={"copy": len(runs)}))
            time.sleep(0.5)
        ended = [workers.finish(run, seconds=120) for run in runs]
    for run in ended:
        check(workers, name, run)
