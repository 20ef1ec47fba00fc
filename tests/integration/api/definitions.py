"""Small workflows for the tests of the API."""

from __future__ import annotations

from typing import Any


def task(task_id: str, function: str, *args: Any, after: tuple[str, ...] = (), **kwargs: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": function,
        "args": list(args),
        "kwargs": kwargs,
        "dependencies": list(after),
    }


def workflow(*tasks: dict[str, Any], name: str = "small") -> dict[str, Any]:
    return {
        "name": name,
        "version": "1.0.0",
        "start_task": tasks[0]["task_id"],
        "tasks": {one["task_id"]: one for one in tasks},
    }


SAY_HELLO = workflow(task("hello", "tools.log.info", "hello"), name="say_hello")

WAIT_FOR_GO = workflow(
    {
        "task_id": "go",
        "operator_type": "wait_for_event",
        "event_name": "go",
        "timeout_seconds": 600,
        "dependencies": [],
    },
    name="wait_for_go",
)

# Its activity fails, and with it a circuit breaker: a dead letter and a breaker are left.
GIVEN_UP = workflow(
    {
        "task_id": "act",
        "operator_type": "activity",
        "function": "tools.shell.run",
        "args": ["exit 1"],
        "dependencies": [],
        "circuit_breaker_policy": {"failure_threshold": 1},
        "metadata": {"resource": "broken"},
    },
    name="given_up",
)

# The same, and an activity that waits for a worker of a queue that has none.
WITH_ACTIVITY = {
    **WAIT_FOR_GO,
    "tasks": {
        **WAIT_FOR_GO["tasks"],
        "work": {**task("work", "tools.log.info", "at work"), "operator_type": "activity", "queue": "nobodys"},
    },
}
