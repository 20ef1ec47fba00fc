"""Continue as new with real workers: a chain of runs, each begun in the transaction that ended the one before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from tests.engine.control_steps import branches, shell
from tests.engine.definitions import op, task, workflow
from tests.support.runs import scalar
from tests.support.workers import Workers


def _counting_down(workers: Workers, **more: Any) -> JsonObject:
    """A loop of runs: n, n-1, ... 0; each writes its number down."""
    return workflow(
        shell("note", command=f"echo {{{{inputs.n}}}} >> {workers.folder}/notes"),
        task("less", "note", function="tools.code.exec", args=["result = {{inputs.n}} - 1"]),
        op("condition", "more", "less", condition="{{inputs.n}} > 0", if_true="again", if_false="end"),
        task("again", "more", function="tools.workflow.continue_as_new", kwargs={"inputs": {"n": "{{less}}"}}),
        shell("end", "more"),
        **more,
    ) | {"name": "down"}


def _notes(workers: Workers) -> list[str]:
    return (workers.folder / "notes").read_text().split()


def _last(workers: Workers, run: UUID) -> UUID:
    seen = workers.finish(run)
    while seen.continued_to is not None:
        seen = workers.finish(seen.continued_to)
    return seen.workflow_run_id


def test_each_run_of_the_chain_completes_and_names_its_neighbours(crew: Workers) -> None:
    run = crew.submit(_counting_down(crew), inputs={"n": 2}, tags=["x"])
    last = crew.run(_last(crew, run))
    assert _notes(crew) == ["2", "1", "0"]
    assert (last.status, last.tags, last.trigger) == ("completed", ["x"], "continue")
    assert last.continued_from is not None
    assert crew.run(last.continued_from).continued_from == run
    with connect(crew.database.superuser) as connection:
        first = "SELECT first_run_id FROM highway.workflow_run WHERE workflow_run_id = %s"
        assert scalar(connection, first, last.workflow_run_id) == run
        assert scalar(connection, "SELECT count(*) FROM highway.workflow_run WHERE tenant_id = %s", crew.tenant) == 3


def test_a_parent_that_waits_gets_the_last_one_s_result(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        facade.register(connection, tenant_id=crew.tenant, definition=_counting_down(crew))
    kids = op("child_workflow", "kids", children={"one": {"workflow_name": "down", "inputs": {"n": 1}}})
    run = crew.submit(workflow(kids))
    assert crew.finish(run).status == "completed"
    result = crew.result(run)["kids"]
    assert "end" in result["one"]["result"]  # type: ignore[index,call-overload,operator]
    assert _notes(crew) == ["1", "0"]


def test_a_chain_breaks_in_no_link_when_workers_are_killed(workers: Workers) -> None:
    first = workers.start()
    run = workers.submit(_counting_down(workers), inputs={"n": 6})
    workers.wait(run, lambda seen: seen.continued_to is not None)
    workers.kill(first)
    workers.start()
    workers.run(_last(workers, run))
    with connect(workers.database.superuser) as connection:
        assert scalar(connection, "SELECT count(*) FROM highway.workflow_run WHERE status = 'completed'") == 7
        assert scalar(connection, "SELECT count(*) FROM highway.workflow_run") == 7
    assert sorted(set(_notes(workers)), reverse=True) == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_branch_cannot_continue_the_run(crew: Workers) -> None:
    again = task("again", function="tools.workflow.continue_as_new")
    run = crew.submit(workflow(op("parallel", "fork", branch_workflows=branches(x=[again]))))
    ended = crew.finish(run)
    assert ended.status == "failed"
    assert "only a run itself" in str(ended.error)


def test_open_branches_are_cancelled_when_the_run_continues(crew: Workers) -> None:
    again = task("again", "c", function="tools.workflow.continue_as_new", kwargs={"inputs": {"n": 0}})
    run = crew.submit(
        workflow(
            op("parallel", "fork", branch_workflows=branches(x=[op("wait_for_event", "e", event_name="never")])),
            op("condition", "c", "fork", condition="{{inputs.n}} > 0", if_true="again", if_false="stop"),
            again,
            op("terminate", "stop", "c", status="completed"),
        ),
        inputs={"n": 1},
    )
    last = _last(crew, run)
    assert last != run
    assert crew.run(run).status == crew.run(last).status == "completed"
