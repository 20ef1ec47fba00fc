"""The instruction for language models: printed, served, and every snippet of it runs to its end."""

from __future__ import annotations

from typing import Any

import pytest

from engine.facade import dsl_prompt
from tests.integration.api.client import Client
from tests.support.snippets import Snippet, snippets
from tests.support.stack import Stack

SNIPPETS = snippets(dsl_prompt())
# A step near the end of each, and what it gives.
GIVES: dict[str, tuple[str, Any]] = {
    "hello": ("tell", {"level": "info", "message": "hello Ada: 9 letters"}),
    "work_on_items": ("report", {"level": "info", "message": "sum 12"}),
    "ask_somebody": ("heard", {"document": "D-1"}),
    "poll_and_train": ("poll", {"iterations": 2}),
    "durable_trip": ("book", {"booked": ["hotel of T-1", "car of T-1"]}),
}


@pytest.fixture(scope="module")
def ended(owner: Client) -> dict[str, dict[str, Any]]:
    """The run of each snippet; all started together."""
    started = {snippet.name: start(owner, snippet) for snippet in SNIPPETS}
    return {name: owner.wait_until(run_id, seconds=60) for name, run_id in started.items()}


def start(owner: Client, snippet: Snippet) -> str:
    answer = owner.post("/api/v1/workflows", {"python_dsl": snippet.source, "inputs": snippet.inputs})
    assert answer.status == 201, answer.json
    run_id: str = answer.data["workflow_run_id"]
    for kind, name, payload in snippet.sends:
        sent = owner.post(f"/api/v1/workflows/{run_id}/{kind}s", {f"{kind}_name": name, "payload": payload})
        assert sent.status in {200, 201}
    return run_id


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.name)
def test_a_snippet_runs_to_its_end(ended: dict[str, dict[str, Any]], snippet: Snippet) -> None:
    run = ended[snippet.name]
    step, given = GIVES[snippet.name]
    assert run["status"] == "completed", (run["error"], run["result"])
    assert run["result"][step] == given


def test_the_command_and_the_api_give_the_same_text(live: Stack, owner: Client) -> None:
    assert live.manage("dsl_prompt").stdout.rstrip() == dsl_prompt().rstrip()
    assert owner.get("/api/v1/dsl_prompt").data == {"prompt": dsl_prompt()}
