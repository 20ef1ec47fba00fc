"""The three golden workflows keep their promises; `test_under_fire.py` has them while workers are killed."""

from __future__ import annotations

import pytest

from engine.model.views import RunView
from tests.support.workers import Workers
from tests.workflow_examples.golden import NAMES, definition, keeps_its_promise


def check(workers: Workers, name: str, run: RunView) -> None:
    """What the workflow promises."""
    assert run.status == "completed", (run.error, workers.steps(run.workflow_run_id), workers.log())
    result = workers.result(run.workflow_run_id)
    assert keeps_its_promise(name, result), result


@pytest.mark.parametrize("name", NAMES)
def test_it_completes(name: str, workers: Workers) -> None:
    workers.start()
    check(workers, name, workers.finish(workers.submit(definition(name)), seconds=60))
