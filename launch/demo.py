"""Submits the golden workflow through the REST API and shows it run."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from launch.client import Client
from launch.commands import CHECKOUT
from launch.terminal import say

SOURCE = CHECKOUT / "tests" / "workflow_examples" / "demo_v2.py"
GOLDEN = "::".join(
    (
        "PHASE1_SETUP",
        "PHASE2A_RETRY_SUCCESS",
        "PHASE2B_TIMEOUT_COMPENSATED",
        "PHASE3_EVENT_RECEIVED",
        "PHASE4_SYNC_GATE_PASSED",
        "PHASE5_LOOP_ELSE_1",
        "PHASE5_LOOP_IF_2",
        "PHASE5_LOOP_ELSE_3",
        "PHASE6_END",
    )
)
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.2
FINAL = {"completed", "failed", "cancelled", "terminated", "timedout"}
COLOURS = {
    "succeeded": "green",
    "running": "cyan",
    "sleeping": "blue",
    "waiting": "yellow",
    "approval": "magenta",
    "retrying": "yellow",
    "failed": "red",
    "timedout": "red",
}

Steps = list[dict[str, Any]]


def run_demo(client: Client, run_address: Callable[[str], str], tend: Callable[[], None]) -> bool:
    """Submit `demo_v2`, show its progress and its result. True when the result is the golden string.

    ``tend`` is called between two looks at the run, so that the platform is looked after meanwhile.
    """
    submitted = client.post("/workflows", {"python_dsl": SOURCE.read_text(), "inputs": {}})
    run_id = submitted["workflow_run_id"]
    say(f"submitted demo_v2 as Python DSL: {run_address(run_id)}")
    run = _watch(client, run_id, tend)
    if run["status"] != "completed":
        say(f"demo_v2 ended as {run['status']}: {json.dumps(run.get('error'))}")
        return False
    result = run["result"]["phase6_end"]["stdout"]
    say(f"result: {result}" if result == GOLDEN else f"demo_v2 gave {result!r}, and not {GOLDEN}")
    return bool(result == GOLDEN)


def _watch(client: Client, run_id: str, tend: Callable[[], None]) -> dict[str, Any]:
    show = _LiveTable() if sys.stdout.isatty() else _Lines()
    deadline = time.monotonic() + PATIENCE_SECONDS
    with show:
        while True:
            run: dict[str, Any] = client.get(f"/workflows/{run_id}")
            show.update(client.get(f"/workflows/{run_id}/steps")["steps"])
            if run["status"] in FINAL or time.monotonic() > deadline:
                return run
            tend()
            time.sleep(LOOK_SECONDS)


def _name(step: dict[str, Any]) -> str:
    return "/".join(part for part in (step["scope"], step["step_name"]) if part)


class _Lines:
    """Progress for files and pipes: one line whenever a step changes."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...

    def update(self, steps: Steps) -> None:
        for step in steps:
            status = f"{step['status']} (attempt {step['attempt']})" if step["attempt"] > 1 else step["status"]
            if self._seen.get(_name(step)) != status:
                self._seen[_name(step)] = status
                say(f"  {datetime.now(UTC):%H:%M:%S}  {_name(step):<40} {status}")


class _LiveTable:
    """Progress for people: a table that changes in place."""

    def __init__(self) -> None:
        self._live = Live(console=Console(), refresh_per_second=8)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, steps: Steps) -> None:
        table = Table(box=None, pad_edge=False)
        for heading in ("step", "state", "attempt", "ms"):
            table.add_column(heading, justify="right" if heading in {"attempt", "ms"} else "left")
        for step in steps:
            colour = COLOURS.get(step["status"], "white")
            took = step["duration_seconds"]
            table.add_row(
                _name(step),
                f"[{colour}]{step['status']}[/]",
                str(step["attempt"]),
                "" if took is None else f"{took * 1000:.0f}",
            )
        self._live.update(table)
