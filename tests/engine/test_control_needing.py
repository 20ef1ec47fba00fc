"""Loops that need only some of their rounds, with real workers: their rounds are claimed apart, survive, go on after a restart and in a fork."""

from __future__ import annotations

from typing import Any

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError
from tests.engine.control_steps import allow, counted, needs, shell
from tests.engine.definitions import op, workflow
from tests.support.interleaving import problems
from tests.support.runs import scalar
from tests.support.workers import Workers


def loop(*body: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"items": ["a", "b", "c"], "parallel": True, "needed": 2, **more}
    return op("foreach", "each", loop_body=list(body), **given)


HEARD = op("wait_for_event", "heard", event_name="go_{{item}}")


def emit(workers: Workers, run: Any, item: str) -> None:
    workers.ask(facade.emit_event, run, name=f"go_{item}", payload=item)


def test_the_next_task_begins_when_enough_have_ended_and_the_others_go_on(crew: Workers) -> None:
    run = crew.submit(workflow(loop(HEARD, counted("one", "heard")), counted("after", "each")))
    for item in "ca":
        emit(crew, run, item)
    crew.wait(run, lambda _run: "after" in crew.steps(run))
    with connect(crew.database.web) as connection:
        assert facade.get_run(connection, tenant_id=crew.tenant, workflow_run_id=run).is_open
    emit(crew, run, "b")
    assert crew.finish(run).status == "completed"
    assert crew.result(run)["each"]["ended"] == [0, 2]
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(run)) == 4
    assert problems(crew.database.worker) == []


def test_the_others_are_withdrawn(crew: Workers) -> None:
    run = crew.submit(workflow(loop(HEARD, counted("one", "heard"), cancel_rest=True), counted("after", "each")))
    for item in "ab":
        emit(crew, run, item)
    assert crew.finish(run).status == "completed"
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(run)) == 3
    assert problems(crew.database.worker) == []


def test_a_round_that_failed_goes_on_when_the_run_is_restarted(crew: Workers) -> None:
    weak = shell("weak", command=needs(crew.folder, "weak_round"))
    run = crew.submit(
        workflow(
            loop(counted("one"), {**weak, "dependencies": ["one"]}, items=["a"], needed=1), counted("after", "each")
        )
    )
    ended = crew.finish(run)
    assert ended.status == "failed"
    allow(crew.folder, "weak_round")
    assert crew.ask(facade.restart, run, by="ann", reason="repaired") == "pending"
    assert crew.finish(run).status == "completed"
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(run)) == 2
    assert problems(crew.database.worker) == []


def test_a_fork_behind_the_loop_keeps_its_rounds_and_one_at_it_runs_them_again(crew: Workers) -> None:
    run = crew.submit(workflow(loop(counted("one"), items=["a", "b"], needed=2), counted("after", "each")))
    assert crew.finish(run).status == "completed"
    for step, again in (("after", 1), ("each", 3)):
        forked = crew.ask(facade.fork, run, from_step=step, by="ann")
        assert crew.finish(forked.workflow_run_id).status == "completed"
        with connect(crew.database.superuser) as connection:
            counted_there = scalar(
                connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(forked.workflow_run_id)
            )
        assert counted_there == again, step
    with pytest.raises(InvalidError, match="no step 'each"):  # as inside of any branch
        crew.ask(facade.fork, run, from_step="each[0]/one", by="ann")
    assert problems(crew.database.worker) == []


def test_rounds_that_were_cancelled_with_a_failing_run_go_on_with_it(crew: Workers) -> None:
    weak = shell(
        "weak", command=f"while [ ! -e {crew.folder}/ready ]; do sleep 0.02; done; {needs(crew.folder, 'weak_run')}"
    )
    run = crew.submit(
        workflow(loop(counted("one"), {**HEARD, "dependencies": ["one"]}), weak, counted("after", "each"))
    )
    crew.wait(run, lambda _run: sum(key.endswith("/heard") for key in crew.steps(run)) == 3)
    (crew.folder / "ready").touch()
    assert crew.finish(run).status == "failed"
    allow(crew.folder, "weak_run")
    assert crew.ask(facade.restart, run, by="ann", reason="repaired") == "pending"
    for item in "abc":
        emit(crew, run, item)
    assert crew.finish(run).status == "completed"
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(run)) == 4
    assert problems(crew.database.worker) == []


def test_what_rounds_did_is_undone_with_the_run_also_in_one_that_was_still_going_on(crew: Workers) -> None:
    undo = {"function": "tools.simple_counter.decrement", "kwargs": {"name": "{{workflow_run_id}}"}}
    did = {**counted("one"), "metadata": {"compensation": undo}}
    fails = shell("fails", "each", command="exit 3")
    run = crew.submit(workflow(loop(did, {**HEARD, "dependencies": ["one"]}), fails))
    crew.wait(run, lambda _run: sum(key.endswith("/one") for key in crew.steps(run)) == 3)
    for item in "ac":
        emit(crew, run, item)
    ended = crew.finish(run)
    assert (ended.status, ended.error and ended.error["step"]) == ("compensated", "fails")
    steps = crew.steps(run)
    # In no order: a worker without notifications hears both at one look.
    assert {key for key in steps if key.endswith("/heard") and steps[key].status == "succeeded"} == {
        "each[0]/heard",
        "each[2]/heard",
    }, "the second round was waiting when the run failed"
    assert {key for key in steps if key.endswith("@undo") and steps[key].status == "succeeded"} == {
        f"each[{number}]/one@undo" for number in range(3)
    }
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT sum(value) FROM highway.counter WHERE name = %s", str(run)) == 0
    assert problems(crew.database.worker) == []
