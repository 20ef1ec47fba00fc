"""Restart in place with real workers: what succeeded is never done again, what failed is, and the run can really complete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.model.flow import FlowLimit, FlowOptions
from engine.model.json import JsonObject
from tests.engine.control_steps import allow, branches, counted, gate, needs, shell, tries
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.runs import scalar
from tests.support.workers import Workers


def _weak(workers: Workers, name: str, *after: str, **more: Any) -> dict[str, Any]:
    return shell(name, *after, command=needs(workers.folder, name), **more)


def _count(workers: Workers, run: UUID) -> int:
    with connect(workers.database.superuser) as connection:
        return int(scalar(connection, "SELECT coalesce(sum(value), 0) FROM highway.counter WHERE name = %s", str(run)))


def _fail_then_restart(workers: Workers, definition: JsonObject, *good: str) -> UUID:
    run = workers.submit(definition)
    assert workers.finish(run).status == "failed"
    for name in good:
        allow(workers.folder, name)
    assert workers.ask(facade.restart, run, by="ann", reason="repaired") == "pending"
    assert problems(workers.database.worker) == []
    return run


def test_a_failed_run_goes_on_from_its_failed_step_and_does_nothing_twice(crew: Workers) -> None:
    run = _fail_then_restart(crew, workflow(counted("a"), _weak(crew, "b", "a"), counted("c", "b")), "b")
    ended = crew.finish(run)
    assert (ended.status, ended.error) == ("completed", None)
    assert _count(crew, run) == 2
    assert tries(crew.folder, "b") == 2
    with connect(crew.database.web) as connection:
        story = facade.list_story(connection, tenant_id=crew.tenant, workflow_run_id=run)
    (told,) = [entry.data for entry in story if entry.kind == "restarted"]
    assert (told["by"], told["reason"], told["was"]) == ("ann", "repaired", "failed")
    assert {each["step_key"]: each["outcome"] for each in told["removed"]} == {"b": "failed", "c": "skipped"}  # type: ignore[index,union-attr]


def test_a_failed_branch_restarts_itself_and_the_step_that_waited_for_it_waits_again(crew: Workers) -> None:
    run = _fail_then_restart(
        crew,
        workflow(
            op(
                "parallel",
                "fork",
                branch_workflows=branches(x=[counted("x1"), _weak(crew, "x2", "x1")], y=[counted("y1")]),
            ),
            task("wait", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"]),
            counted("end", "wait"),
        ),
        "x2",
    )
    assert crew.finish(run).status == "completed"
    assert _count(crew, run) == 3
    assert crew.result(run)["wait"]["x"]["status"] == "completed"  # type: ignore[index,call-overload]


def test_a_branch_restarts_no_earlier_than_its_run_which_stands_in_line(crew: Workers) -> None:
    one = FlowOptions(limits=(FlowLimit("concurrency", "one", 1),))
    fork = op("parallel", "fork", branch_workflows=branches(x=[_weak(crew, "x")]))
    wait = task("wait", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"])
    run = crew.submit(workflow(fork, wait), flow=one)
    assert crew.finish(run).status == "failed"
    other = crew.submit(workflow(op("wait_for_event", "go", event_name="go")), flow=one)
    crew.wait(other, lambda _: "go" in crew.steps(other))
    allow(crew.folder, "x")
    crew.ask(facade.restart, run)
    third = crew.submit(workflow(counted("c")))
    assert crew.finish(third).status == "completed", "the workers have looked"
    assert tries(crew.folder, "x") == 1
    assert problems(crew.database.worker, grace_seconds=60) == []
    crew.ask(facade.emit_event, other, name="go")
    assert crew.finish(run).status == "completed"
    assert tries(crew.folder, "x") == 2


def test_a_branch_that_nobody_waits_for_restarts_too(crew: Workers) -> None:
    fork = op("parallel", "fork", branch_workflows=branches(x=[_weak(crew, "x")]))
    run = _fail_then_restart(crew, workflow(fork, counted("a", "fork")), "x")
    assert crew.finish(run).status == "completed"
    assert _count(crew, run) == 1


def test_a_failed_activity_restarts_and_reports_anew(crew: Workers) -> None:
    activity = op("activity", "act", function="tools.shell.run", args=[needs(crew.folder, "act")])
    hear = op("wait_for_event", "hear", "act", event_name="{{act.completion_event}}")
    check = shell("check", "hear", command="[ {{hear.status}} = completed ]")
    run = _fail_then_restart(crew, workflow(activity, hear, check), "act")
    assert crew.finish(run).status == "completed", "the step that heard of the failure hears anew"
    assert crew.result(run)["hear"]["status"] == "completed"  # type: ignore[index,call-overload]


def test_a_failed_child_run_restarts_in_place_with_its_parent(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        child = workflow(counted("c1"), _weak(crew, "c2", "c1")) | {"name": "child"}
        facade.register(connection, tenant_id=crew.tenant, definition=child)
    kids = op("child_workflow", "kids", children={"one": {"workflow_name": "child"}})
    run = _fail_then_restart(crew, workflow(kids, counted("end", "kids")), "c2")
    assert crew.finish(run).status == "completed"
    with connect(crew.database.web) as connection:
        related = facade.list_related(connection, tenant_id=crew.tenant, workflow_run_id=run)
    assert [each.status for each in related] == ["completed"], "one child, the same one"
    assert _count(crew, related[0].workflow_run_id) == 1
    with pytest.raises(StateError):
        crew.ask(facade.restart, related[0].workflow_run_id)


def test_a_child_run_is_restarted_with_its_parent_only(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        facade.register(
            connection, tenant_id=crew.tenant, definition=workflow(shell("f", command="false")) | {"name": "child"}
        )
    run = crew.submit(workflow(op("child_workflow", "kids", children={"one": {"workflow_name": "child"}})))
    crew.finish(run)
    with connect(crew.database.web) as connection:
        (child,) = facade.list_related(connection, tenant_id=crew.tenant, workflow_run_id=run)
    with pytest.raises(StateError, match="restart that one"):
        crew.ask(facade.restart, child.workflow_run_id)


def test_a_loop_goes_on_in_the_round_in_which_it_failed(crew: Workers) -> None:
    body = [counted("n"), shell("b", "n", command=needs(crew.folder, "b") + " || [ {{item}} != 1 ]")]
    run = _fail_then_restart(crew, workflow(op("foreach", "loop", items="range(3)", loop_body=body)), "b")
    assert crew.finish(run).status == "completed"
    assert _count(crew, run) == 3


def test_the_handler_of_a_failure_that_is_undone_runs_again_when_it_fails_again(crew: Workers) -> None:
    run = _fail_then_restart(crew, workflow(_weak(crew, "a", on_failure_task_id="h"), counted("h")))
    assert crew.finish(run).status == "failed"
    assert _count(crew, run) == 2
    allow(crew.folder, "a")
    crew.ask(facade.restart, run)
    assert crew.finish(run).status == "completed"
    assert crew.steps(run)["h"].status == "skipped"


def test_a_failure_that_was_handled_stays_as_it_was(crew: Workers) -> None:
    handled = [_weak(crew, "a", on_failure_task_id="h"), counted("h"), counted("n", "h")]
    run = _fail_then_restart(crew, workflow(*handled, _weak(crew, "z", "n")), "a", "z")
    assert crew.finish(run).status == "completed"
    assert tries(crew.folder, "a") == 1
    assert _count(crew, run) == 2


def test_a_cancelled_run_and_a_killed_one_go_on_where_they_were_stopped(crew: Workers) -> None:
    for number, stop in enumerate((facade.cancel, facade.kill)):
        name = f"g{number}"
        run = crew.submit(
            workflow(
                counted("a"),
                op("parallel", "fork", "a", branch_workflows=branches(x=[op("wait_for_event", "e", event_name="go")])),
                shell("long", "fork", command=gate(crew.folder, name)),
            )
        )
        crew.wait_for(crew.folder / f"{name}.began")
        crew.ask(stop, run)
        crew.finish(run)
        allow(crew.folder, name)
        crew.ask(facade.restart, run)
        crew.ask(facade.emit_event, run, name="go")
        assert crew.finish(run).status == "completed"
        assert _count(crew, run) == 1


def test_only_a_run_that_ended_badly_can_be_restarted(crew: Workers) -> None:
    done = crew.submit(workflow(counted("a")))
    crew.finish(done)
    waiting = crew.submit(workflow(op("wait", "nap", wait_for="PT1H")))
    for run, word in ((done, "completed"), (waiting, "pending|sleeping|running")):
        with pytest.raises(StateError, match=word):
            crew.ask(facade.restart, run)


def test_the_deadline_is_moved_by_the_time_the_run_was_ended_and_begins_anew_when_it_ended_the_run(
    crew: Workers,
) -> None:
    run = crew.submit(workflow(_weak(crew, "a"), deadline_seconds=600))
    before = crew.finish(run)
    crew.ask(facade.restart, run)
    after = crew.run(run)
    assert before.deadline_at is not None
    assert after.deadline_at is not None
    assert before.deadline_at < after.deadline_at
    late = crew.submit(workflow(op("wait", "nap", wait_for="PT1H"), deadline_seconds=1))
    assert crew.finish(late).status == "failed"
    crew.ask(facade.restart, late)
    with connect(crew.database.superuser) as connection:
        left = scalar(
            connection, "SELECT deadline_at > now() FROM highway.workflow_run WHERE workflow_run_id = %s", late
        )
    assert left
    crew.finish(run)


def test_a_restart_survives_a_worker_that_is_killed_in_the_middle_of_it(workers: Workers) -> None:
    first = workers.start()
    run = workers.submit(
        workflow(counted("a"), _weak(workers, "b", "a"), shell("c", "b", command=gate(workers.folder, "c")))
    )
    workers.finish(run)
    allow(workers.folder, "b")
    workers.ask(facade.restart, run)
    workers.wait_for(workers.folder / "c.began")
    workers.kill(first)
    workers.start()
    allow(workers.folder, "c")
    assert workers.finish(run).status == "completed"
    assert _count(workers, run) == 1
    assert tries(workers.folder, "b") == 2
