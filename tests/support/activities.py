"""Workflows with one activity, and the activity by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.model.activity_views import ActivityView
from engine.model.json import JsonObject
from tests.support.workers import Workers

BEATING = "tools.long_running.execute_with_heartbeat"


def with_activity(function: str = "tools.shell.run", *args: Any, wait: bool = True, **more: Any) -> JsonObject:
    """A workflow "example" that queues the activity "work" and, if asked to, waits for its event in "hear"."""
    work: JsonObject = {
        "task_id": "work",
        "operator_type": "activity",
        "function": function,
        "args": list(args),
        **more,
    }
    tasks: JsonObject = {"work": work}
    if wait:
        tasks["hear"] = {
            "task_id": "hear",
            "operator_type": "wait_for_event",
            "event_name": "{{work.completion_event}}",
            "timeout_seconds": 60,
            "dependencies": ["work"],
        }
    return {"name": "example", "start_task": "work", "tasks": tasks}


def activity_of(workers: Workers, run: UUID) -> ActivityView | None:
    """The run's one activity, once it was queued."""
    chosen = facade.ActivityFilter(workflow_run_id=run)
    with connect(workers.database.web) as connection:
        return next(iter(facade.list_activities(connection, tenant_id=workers.tenant, chosen=chosen)), None)


def wait_for_activity(
    workers: Workers, run: UUID, until: Callable[[ActivityView], Any], seconds: float = 40
) -> ActivityView:
    """Wait for something to become true of the run's activity."""
    end = time.monotonic() + seconds
    while not ((seen := activity_of(workers, run)) and until(seen)):
        assert time.monotonic() < end, f"still {seen}\n{workers.run(run)}\n{workers.log()}"
        time.sleep(0.02)
    return seen


def kinds_of(workers: Workers, run: UUID) -> list[str]:
    """What the run's story tells, in order."""
    with connect(workers.database.web) as connection:
        story = facade.list_story(connection, tenant_id=workers.tenant, workflow_run_id=run)
    return [entry.kind for entry in story]
