"""Runs in the states that the routes of run control need."""

from __future__ import annotations

from typing import Any

from tests.integration.api.client import Client
from tests.integration.api.definitions import WAIT_FOR_GO, task, workflow
from tests.support.archives import zipped

NEEDS_A_PERSON = workflow(
    task("fails", "tools.shell.run", "exit 1") | {"metadata": {"on_exhausted": "pause"}}, name="needs_a_person"
)
ASKING = workflow(
    task("ask", "tools.approval.request", message="Go on?", approval_key="of-acme", allow_self=True), name="asking"
)
BODIES: dict[str, Any] = {
    "workflow-fork": {"from_step": "go"},
    "workflow-give-up": {"step": "fails"},
    "workflow-change": {"priority": 3},
    "workflow-bulk": {"action": "cancel", "filter": {"workflow_names": ["nobody-knows"]}},
}
# What is sent as it is, and not as JSON.
RAW = {
    "artifact-store": zipped({"seen.py": "def f(ctx): return 1"}),
    "module-store": b"def f(ctx): return 1",
}


def prepared(owner: Client, route_name: str) -> str | None:
    """The id of a run to which the route may be applied; None for routes that any run will do for."""
    if route_name == "workflow-give-up":
        run_id = owner.submit(NEEDS_A_PERSON)
        owner.wait_until(run_id, {"paused"})
        return run_id
    if route_name in {"approval-approve", "approval-reject"}:
        run_id = owner.submit(ASKING)
        owner.wait_until(run_id, {"sleeping"})
        return run_id
    before = {"workflow-resume": "pause", "workflow-restart": "kill"}
    if route_name in {*before, "workflow-pause", "workflow-kill", "workflow-change"}:
        run_id = owner.submit(WAIT_FOR_GO)
        if route_name in before:
            assert owner.post(f"/api/v1/workflows/{run_id}/{before[route_name]}").status == 200
        return run_id
    return None
