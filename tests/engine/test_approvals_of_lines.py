"""Whoever started the first run of a line has no say in what any run of it asks, however far the line went on without its first runs."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotAllowedError
from engine.model.flow import Batch, Debounce, FlowOptions
from engine.model.json import JsonObject
from tests.engine.definitions import op, task, workflow
from tests.support.approving import decide
from tests.support.interleaving import problems
from tests.support.runs import scalar
from tests.support.workers import Workers

_ASKS = workflow(
    op("wait_for_event", "go", event_name="go"),
    task("ask", "go", function="tools.approval.request", kwargs={"message": "Deploy?"}),
) | {"name": "asks"}


def _starts(name: str, child: str) -> JsonObject:
    """A workflow that starts another and does not wait for it."""
    start = {"workflow_name": child, "wait": False}
    return workflow(task("start", function="tools.workflow.execute", kwargs=start)) | {"name": name}


def _register(workers: Workers, *definitions: JsonObject) -> None:
    with connect(workers.database.web) as connection:
        for definition in definitions:
            facade.register(connection, tenant_id=workers.tenant, definition=definition)


def _run_of(workers: Workers, name: str) -> UUID:
    with connect(workers.database.worker) as connection:
        found = "SELECT workflow_run_id FROM highway.workflow_run WHERE tenant_id = %s AND name = %s ORDER BY 1"
        run_id: UUID = scalar(connection, found, workers.tenant, name)
        return run_id


def _refuses_ann(workers: Workers) -> None:
    """The run that waits asks now, and takes no answer from her."""
    run_id = _run_of(workers, "asks")
    workers.ask(facade.emit_event, run_id, name="go", payload={})
    workers.wait(run_id, lambda _: bool(workers.ask(facade.approvals_of_run, run_id)))
    (found,) = workers.ask(facade.approvals_of_run, run_id)
    assert found.requested_by == ["ann"]
    with connect(workers.database.web) as connection:
        with pytest.raises(NotAllowedError, match="ann has started what asks"):
            decide(connection, workers.tenant, found, "approve", "ann")
        assert decide(connection, workers.tenant, found, "approve", "bob") == "approved"
    assert workers.finish(run_id).status == "completed"
    assert problems(workers.database.worker) == []


def test_a_line_whose_first_run_is_forgotten_keeps_the_name_of_its_starter(workers: Workers) -> None:
    _register(workers, _ASKS, _starts("middle", "asks"))
    first = workers.submit(_starts("first", "middle"), triggered_by="ann")
    workers.start()
    workers.finish(first)
    workers.wait(first, lambda _: _run_of(workers, "asks") is not None)
    workers.finish(_run_of(workers, "middle"))
    workers.ask(facade.purge, first)
    _refuses_ann(workers)


def test_a_line_of_which_a_run_went_on_as_another_keeps_the_name_of_its_starter(workers: Workers) -> None:
    once = op("condition", "which", condition="{{inputs.n}} > 0", if_true="start", if_false="end")
    start = task("start", "which", function="tools.workflow.execute", kwargs={"workflow_name": "asks", "wait": False})
    again = task("again", "start", function="tools.workflow.continue_as_new", kwargs={"inputs": {"n": 0}})
    end = task("end", "which", function="tools.log.info", args=["the last"])
    _register(workers, _ASKS, workflow(once, start, again, end) | {"name": "middle"})
    call = {"workflow_name": "middle", "inputs": {"n": 1}}
    first = workers.submit(workflow(task("call", function="tools.workflow.execute", kwargs=call)), triggered_by="ann")
    workers.start()
    assert workers.finish(first).status == "completed"
    _refuses_ann(workers)


@pytest.mark.parametrize(
    "flow",
    [FlowOptions(debounce=Debounce("k", 0.1, 60)), FlowOptions(batch=Batch("k", 5, 0.1))],
    ids=["debounce", "batch"],
)
def test_whose_submission_a_run_took_in_has_no_say_in_what_it_asks(workers: Workers, flow: FlowOptions) -> None:
    asks = {"name": "asks"} | workflow(task("ask", function="tools.approval.request", kwargs={"message": "Pay?"}))
    runs = {workers.submit(asks, triggered_by=who, flow=flow, inputs={"of": who}) for who in ("otto", "ann", "ann")}
    (run_id,) = runs
    workers.start()
    workers.wait(run_id, lambda _: bool(workers.ask(facade.approvals_of_run, run_id)))
    (found,) = workers.ask(facade.approvals_of_run, run_id)
    assert found.requested_by == ["otto", "ann"]
    with connect(workers.database.web) as connection:
        for who in ("otto", "ann"):
            with pytest.raises(NotAllowedError, match=f"{who} has started what asks"):
                decide(connection, workers.tenant, found, "approve", who)
        assert decide(connection, workers.tenant, found, "approve", "bob") == "approved"
    assert workers.finish(run_id).status == "completed"
