"""Workflows that start themselves: their families end at the last generation, with an error that says so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine.model.children import MAX_GENERATIONS
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.workers import Workers

BY_OPERATOR = op("child_workflow", "again", children={"next": {"workflow_name": "endless"}})
BY_TOOL = task("again", function="tools.workflow.execute", kwargs={"workflow_name": "endless"})


@pytest.mark.parametrize("step", [BY_OPERATOR, BY_TOOL], ids=["operator", "tool"])
def test_a_workflow_that_starts_itself_ends_with_the_last_generation(workers: Workers, step: dict[str, Any]) -> None:
    workers.start()
    first = workers.submit(workflow(step) | {"name": "endless"})
    assert workers.finish(first).status == "failed"
    family = _family(workers, first)
    assert len(family) == MAX_GENERATIONS
    assert {status for _, status, _ in family} == {"failed"}
    *_, (_, _, error) = family
    assert error["type"] == "TooManyGenerations"
    assert f"at most {MAX_GENERATIONS} generations" in error["message"]
    assert problems(workers.database.worker) == []


def _family(workers: Workers, first: UUID) -> list[tuple[UUID, str, dict[str, Any]]]:
    """The run and its line of children, each with its status and error."""
    with psycopg.connect(workers.database.superuser) as connection:
        rows = connection.execute(
            "SELECT workflow_run_id, parent_run_id, status, error FROM highway.workflow_run"
        ).fetchall()
    by_parent = {parent: (run, status, error) for run, parent, status, error in rows if parent is not None}
    found = [next((run, status, error) for run, _, status, error in rows if run == first)]
    while found[-1][0] in by_parent:
        found.append(by_parent[found[-1][0]])
    return found
