"""Runs of every kind for the tests of the client's operations: finished, failed, waiting, signalled, with branches and an activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.integration.api.client import Client
from tests.integration.api.definitions import WAIT_FOR_GO, task, workflow

RETRY = {"max_retries": 2, "delay": "PT0.1S", "backoff_factor": 1.0}


def _branch(name: str, words: str) -> dict[str, Any]:
    step = f"{name}_step"
    return {
        "name": name,
        "version": "1.0.0",
        "start_task": step,
        "tasks": {step: task(step, "tools.log.info", words)},
    }


STORY = workflow(
    task("say", "tools.shell.run", "echo hello; echo oops >&2"),
    {**task("flaky", "tools.shell.run", '[ "$HIGHWAY_ATTEMPT" = 2 ] || exit 7', after=("say",)), "retry_policy": RETRY},
    {
        "task_id": "fork",
        "operator_type": "parallel",
        "branch_workflows": {"left": _branch("left", "from the left"), "right": _branch("right", "from the right")},
        "dependencies": ["flaky"],
        "result_key": "forked",
    },
    task("join", "tools.workflow.wait_for_parallel_branches", "{{forked}}", after=("fork",)),
    {
        "task_id": "act",
        "operator_type": "activity",
        "function": "tools.shell.run",
        "args": ["printf acted"],
        "result_key": "activity",
        "dependencies": ["join"],
    },
    {
        "task_id": "acted",
        "operator_type": "wait_for_event",
        "event_name": "{{activity.completion_event}}",
        "timeout_seconds": 60,
        "dependencies": ["act"],
    },
    task("remember", "tools.memory.set", "answer", 42, after=("acted",)),
    name="story",
)
FAILING = workflow(task("broken", "tools.shell.run", "echo so far; exit 3"), name="failing")


@dataclass
class World:
    """Ids of what there is."""

    api: Client
    story: str = ""
    failed: str = ""
    waiting: str = ""
    busy: str = ""


def make_world(api: Client) -> World:
    """Start everything and wait until it is where it should be."""
    world = World(api)
    world.story, world.failed = api.submit(STORY, tags=["told"]), api.submit(FAILING)
    world.waiting = api.submit(WAIT_FOR_GO)
    world.busy = api.submit(workflow(task("long", "tools.shell.run", "sleep 600"), name="busy"))
    assert api.wait_until(world.story)["status"] == "completed", api.get(f"/api/v1/workflows/{world.story}/steps").raw
    assert api.wait_until(world.failed)["status"] == "failed"
    api.wait_until(world.waiting, {"sleeping"})
    return world
