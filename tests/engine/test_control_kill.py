"""Kill with real workers: the run ends whatever it is doing, its processes with it, and whoever waits for it is told."""

from __future__ import annotations

import signal

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from tests.engine.control_steps import allow, branches, counted, gate, shell
from tests.engine.definitions import op, workflow
from tests.support.interleaving import problems
from tests.support.processes import wait_until_gone
from tests.support.runs import states
from tests.support.workers import Workers


def test_a_killed_run_ends_at_once_and_its_shell_is_stopped(crew: Workers) -> None:
    pid_file = crew.folder / "pid"
    run = crew.submit(
        workflow(shell("long", command=f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60; true"))
    )
    crew.wait_for(pid_file)
    assert crew.ask(facade.kill, run, by="ann", reason="wrong customer") == "cancelled"
    ended = crew.run(run)
    assert ended.status == "cancelled"
    assert ended.error == {"kind": "killed", "type": "Killed", "retryable": False, "message": "wrong customer"}
    wait_until_gone(int(pid_file.read_text()))
    assert crew.run(run) == ended
    with pytest.raises(StateError):
        crew.ask(facade.kill, run)


def test_a_kill_needs_no_help_of_a_worker_that_is_frozen_and_its_late_writes_change_nothing(workers: Workers) -> None:
    frozen = workers.start()
    done = workers.folder / "done"
    run = workers.submit(
        workflow(shell("long", command=f"{gate(workers.folder, 'long')}; touch {done}"), counted("next", "long"))
    )
    workers.wait_for(workers.folder / "long.began")
    frozen.send_signal(signal.SIGSTOP)
    try:
        workers.ask(facade.kill, run)
        ended = workers.run(run)
        allow(workers.folder, "long")
        workers.wait_for(done)
    finally:
        frozen.send_signal(signal.SIGCONT)
    other = workers.submit(workflow(counted("only")))
    workers.finish(other)
    assert workers.run(run) == ended
    assert workers.steps(run) == {}


@pytest.mark.parametrize("state", ["pending", "sleeping", "paused", "delayed"])
def test_a_run_is_killed_in_every_state_in_which_nobody_executes_it(workers: Workers, state: str) -> None:
    run = workers.submit(workflow(op("wait", "nap", wait_for="PT1H")), delay_seconds=3600 if state == "delayed" else 0)
    if state == "sleeping":
        workers.start()
        workers.wait(run, lambda seen: seen.status == "sleeping")
    if state == "paused":
        workers.ask(facade.pause, run)
    assert workers.ask(facade.kill, run) == "cancelled"
    assert problems(workers.database.worker) == []


def test_branches_and_child_runs_die_with_the_run(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        child = workflow(shell("c", command=gate(crew.folder, "child"))) | {"name": "child"}
        facade.register(connection, tenant_id=crew.tenant, definition=child)
    run = crew.submit(
        workflow(
            op("parallel", "fork", branch_workflows=branches(a=[shell("x", command=gate(crew.folder, "branch"))])),
            op("child_workflow", "kids", "fork", children={"one": {"workflow_name": "child"}}),
        )
    )
    crew.wait_for(crew.folder / "child.began")
    crew.wait_for(crew.folder / "branch.began")
    crew.ask(facade.kill, run)
    with connect(crew.database.worker) as connection:
        assert states(connection, run) == {"": "cancelled", "fork.a": "cancelled"}
        rows = connection.execute("SELECT status FROM highway.workflow_run WHERE parent_run_id = %s", [run]).fetchall()
    assert rows == [("cancelled",)]
    assert problems(crew.database.worker) == []


def test_a_parent_is_told_of_its_child_s_death(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        child = workflow(shell("c", command=gate(crew.folder, "child"))) | {"name": "child"}
        facade.register(connection, tenant_id=crew.tenant, definition=child)
    run = crew.submit(workflow(op("child_workflow", "kids", children={"one": {"workflow_name": "child"}})))
    crew.wait_for(crew.folder / "child.began")
    with connect(crew.database.web) as connection:
        related = facade.list_related(connection, tenant_id=crew.tenant, workflow_run_id=run)
    crew.ask(facade.kill, related[0].workflow_run_id, reason="not this one")
    ended = crew.finish(run)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "not this one" in str(ended.error["message"])
