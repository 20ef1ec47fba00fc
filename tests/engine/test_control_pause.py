"""Pause and resume with real workers: what is under way finishes, nothing new begins, and nothing that came meanwhile is lost."""

from __future__ import annotations

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotFoundError, StateError
from engine.kit.ids import uuid7
from tests.engine.control_steps import allow, branches, counted, gate, shell
from tests.engine.definitions import op, workflow
from tests.support.interleaving import problems
from tests.support.runs import states
from tests.support.workers import Workers


def test_a_pausing_run_finishes_its_step_keeps_the_result_and_begins_nothing(crew: Workers) -> None:
    run = crew.submit(workflow(shell("long", command=gate(crew.folder, "long")), counted("next", "long")))
    crew.wait_for(crew.folder / "long.began")
    assert crew.ask(facade.pause, run, by="ann", reason="look first") == "running"
    assert crew.run(run).pause_reason == "look first"
    allow(crew.folder, "long")
    crew.wait(run, lambda seen: seen.status == "paused")
    assert list(crew.steps(run)) == ["long"]
    assert problems(crew.database.worker) == []
    assert crew.ask(facade.resume, run, by="ben") == "pending"
    ended = crew.finish(run)
    assert (ended.status, ended.paused_at) == ("completed", None)
    with connect(crew.database.web) as connection:
        story = facade.list_story(connection, tenant_id=crew.tenant, workflow_run_id=run)
    assert [entry.kind for entry in story] == ["paused", "step_succeeded", "resumed", "step_succeeded"]


def test_a_run_that_sleeps_pauses_at_once_and_an_event_that_comes_meanwhile_wakes_it_at_the_resume(
    crew: Workers,
) -> None:
    run = crew.submit(workflow(op("wait_for_event", "hear", event_name="go"), counted("next", "hear")))
    crew.wait(run, lambda seen: seen.status == "sleeping")
    assert crew.ask(facade.pause, run) == "paused"
    assert crew.ask(facade.pause, run) == "paused", "once is enough"
    assert crew.ask(facade.emit_event, run, name="go")
    assert crew.run(run).status == "paused"
    assert crew.ask(facade.resume, run) == "pending"
    assert crew.finish(run).status == "completed"


def test_a_timer_that_has_passed_during_the_pause_is_over_and_one_that_has_not_goes_on(crew: Workers) -> None:
    short, long = [crew.submit(workflow(op("wait", "nap", wait_for="PT1H"))) for _ in range(2)]
    for run in (short, long):
        crew.wait(run, lambda seen: seen.status == "sleeping")
        crew.ask(facade.pause, run)
    with connect(crew.database.superuser) as connection:
        connection.execute("UPDATE highway.wait SET due_at = now() WHERE task_id = %s", [short])
    crew.ask(facade.resume, short)
    assert crew.ask(facade.resume, long) == "sleeping"
    assert crew.finish(short).status == "completed"
    crew.ask(facade.cancel, long)


def test_branches_activities_and_child_runs_pause_with_the_run_and_go_on_with_it(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        child = workflow(op("wait_for_event", "hear", event_name="go")) | {"name": "child"}
        facade.register(connection, tenant_id=crew.tenant, definition=child)
    run = crew.submit(
        workflow(
            op("parallel", "fork", branch_workflows=branches(a=[op("wait_for_event", "hear", event_name="go")])),
            op("child_workflow", "kids", "fork", children={"one": {"workflow_name": "child"}}),
        )
    )
    crew.wait(run, lambda seen: len(_children(crew)) == 1 and seen.status == "sleeping")
    (child_run,) = _children(crew)
    crew.wait(child_run, lambda seen: seen.status == "sleeping")
    crew.ask(facade.pause, run, by="ann")
    with connect(crew.database.worker) as connection:
        assert states(connection, run) == {"": "paused", "fork.a": "paused"}
    assert crew.run(child_run).paused_by == "ann"
    assert crew.ask(facade.emit_event, child_run, name="go")
    assert crew.ask(facade.emit_event, run, name="go")
    crew.ask(facade.resume, run)
    assert crew.finish(run).status == "completed"
    assert crew.run(child_run).status == "completed"


def test_what_a_pausing_run_forks_and_the_children_it_starts_begin_paused(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        facade.register(connection, tenant_id=crew.tenant, definition=workflow(counted("c")) | {"name": "child"})
    run = crew.submit(
        workflow(
            shell("long", command=gate(crew.folder, "long")),
            op("parallel", "fork", "long", branch_workflows=branches(a=[counted("x")])),
            op("child_workflow", "kids", "fork", children={"one": {"workflow_name": "child"}}),
        )
    )
    crew.wait_for(crew.folder / "long.began")
    crew.ask(facade.pause, run)
    allow(crew.folder, "long")
    crew.wait(run, lambda seen: seen.status == "paused")
    with connect(crew.database.worker) as connection:
        assert states(connection, run) == {"": "paused", "fork.a": "paused"}
    assert [crew.run(child).status for child in _children(crew)] == ["paused"]
    crew.ask(facade.resume, run)
    assert crew.finish(run).status == "completed"


def test_a_child_that_was_paused_by_itself_stays_paused_when_its_parent_goes_on(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        child = workflow(op("wait_for_event", "hear", event_name="go")) | {"name": "child"}
        facade.register(connection, tenant_id=crew.tenant, definition=child)
    run = crew.submit(workflow(op("child_workflow", "kids", children={"one": {"workflow_name": "child"}})))
    crew.wait(run, lambda seen: len(_children(crew)) == 1 and seen.status == "sleeping")
    (child_run,) = _children(crew)
    crew.ask(facade.pause, child_run, by="ben")
    crew.ask(facade.pause, run, by="ann")
    crew.ask(facade.resume, run)
    assert (crew.run(child_run).status, crew.run(child_run).paused_by) == ("paused", "ben")
    crew.ask(facade.kill, run)


def test_cancelling_a_paused_run_ends_it_at_once(workers: Workers) -> None:
    run = workers.submit(workflow(counted("only")))
    workers.ask(facade.pause, run)
    assert workers.ask(facade.cancel, run) == "cancelled"
    assert workers.run(run).paused_at is None
    for change in (facade.pause, facade.resume):
        with pytest.raises(StateError, match="already ended"):
            workers.ask(change, run)


def test_a_deadline_goes_on_counting_during_a_pause(crew: Workers) -> None:
    run = crew.submit(workflow(op("wait", "nap", wait_for="PT1H"), deadline_seconds=600))
    crew.ask(facade.pause, run)
    with connect(crew.database.worker) as connection:
        connection.execute(
            "UPDATE highway.workflow_run SET deadline_at = highway.now() WHERE workflow_run_id = %s", [run]
        )
    ended = crew.finish(run)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["kind"] == "deadline"


def test_a_pause_survives_the_death_of_the_worker_that_was_to_pause(workers: Workers) -> None:
    first = workers.start()
    run = workers.submit(workflow(shell("long", command=gate(workers.folder, "long")), counted("next", "long")))
    workers.wait_for(workers.folder / "long.began")
    workers.ask(facade.pause, run)
    workers.kill(first)
    workers.start()
    workers.wait(run, lambda seen: seen.status == "paused")
    allow(workers.folder, "long")
    workers.ask(facade.resume, run)
    assert workers.finish(run).status == "completed"


def test_a_resume_that_overtakes_the_pause_lets_the_worker_go_on(crew: Workers) -> None:
    run = crew.submit(
        workflow(
            shell("a", command=gate(crew.folder, "a")),
            shell("b", command=gate(crew.folder, "b")),
            counted("c", "a"),
        )
    )
    crew.wait_for(crew.folder / "b.began")
    crew.ask(facade.pause, run)
    allow(crew.folder, "a")
    crew.wait(run, lambda _: "a" in crew.steps(run) and crew.steps(run)["a"].finished_at is not None)
    crew.ask(facade.resume, run)
    crew.wait(run, lambda _: "c" in crew.steps(run))
    assert crew.run(run).status == "running"
    allow(crew.folder, "b")
    ended = crew.finish(run)
    assert (ended.status, ended.attempt) == ("completed", 1)


def test_why_it_waits_names_who_paused_it_and_a_run_that_goes_on_cannot_be_resumed(workers: Workers) -> None:
    run = workers.submit(workflow(counted("only")))
    workers.ask(facade.pause, run, by="ann", reason="wait for the bank")
    with connect(workers.database.web) as connection:
        reasons = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(run))
    assert reasons[0].text == "paused by ann: wait for the bank"
    workers.ask(facade.resume, run)
    with pytest.raises(StateError, match="is not paused"):
        workers.ask(facade.resume, run)
    with pytest.raises(NotFoundError):
        workers.ask(facade.pause, uuid7())


def test_a_delayed_run_that_was_paused_is_still_delayed_when_it_goes_on(workers: Workers) -> None:
    run = workers.submit(workflow(counted("only")), delay_seconds=3600)
    workers.ask(facade.pause, run)
    assert workers.ask(facade.resume, run) == "sleeping"
    assert problems(workers.database.worker) == []


def _children(workers: Workers) -> list:  # type: ignore[type-arg]
    with connect(workers.database.worker) as connection:
        rows = connection.execute(
            "SELECT workflow_run_id FROM highway.workflow_run WHERE tenant_id = %s AND parent_run_id IS NOT NULL",
            [workers.tenant],
        )
        return [row[0] for row in rows]
