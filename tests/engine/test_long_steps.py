"""Steps that last keep nobody from a worker that has a slot free."""

from __future__ import annotations

from pathlib import Path

from engine import facade
from engine.model.json import JsonObject
from tests.support.workers import Workers


def _long(mark: Path) -> JsonObject:
    """Leaves a mark when it begins, and lasts."""
    command = f"touch {mark}; sleep 30"
    only: JsonObject = {"task_id": "only", "operator_type": "task", "function": "tools.shell.run", "args": [command]}
    return {"name": "long", "start_task": "only", "tasks": {"only": only}}


def test_runs_that_wait_behind_long_steps_go_to_a_worker_that_has_a_slot_free(workers: Workers) -> None:
    workers.start(slots=1)
    marks = [workers.folder / f"began-{number}" for number in range(3)]
    runs = [workers.submit(_long(mark)) for mark in marks]
    workers.wait(runs[0], lambda _: any(mark.exists() for mark in marks))
    workers.start(slots=2)
    workers.wait(runs[0], lambda _: all(mark.exists() for mark in marks), seconds=15)
    for run_id in runs:
        workers.ask(facade.cancel, run_id)
    assert {workers.finish(run_id).status for run_id in runs} == {"cancelled"}
