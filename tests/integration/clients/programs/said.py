"""Tells the test what became of a run."""

from __future__ import annotations

import json
import sys

from highway.result import WorkflowResult


def say(result: WorkflowResult) -> None:
    said = {"run_id": result.run_id, "state": result.state.name, "status": result.status, "error": result.error}
    sys.stdout.write(f"RESULT:{json.dumps(said)}\n")
