"""Run control meets sagas and durable code."""

from __future__ import annotations

from typing import Any

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.model.json import JsonObject
from tests.engine.control_steps import allow, counted, gate, needs, shell
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.runs import scalar
from tests.support.workers import Workers


def _undoable(name: str, command: str, *after: str) -> JsonObject:
    undo = {"function": "tools.shell.run", "kwargs": {"command": command}}
    return counted(name, *after, metadata={"compensation": undo})


def _code(text: str, **more: Any) -> JsonObject:
    return task("work", function="tools.code.durable", kwargs={"code": text}, **more)


def test_cancelling_a_paused_run_undoes_what_it_did_and_ends_the_pause(crew: Workers) -> None:
    undo = f"touch {crew.folder}/undone"
    run = crew.submit(workflow(_undoable("a", undo), op("wait", "nap", "a", wait_for="PT1H")))
    crew.wait(run, lambda seen: seen.status == "sleeping")
    assert crew.ask(facade.pause, run) == "paused"
    crew.ask(facade.cancel, run)
    ended = crew.finish(run)
    assert (ended.status, ended.paused_at) == ("compensated", None)
    assert (crew.folder / "undone").exists()
    with pytest.raises(StateError, match="compensated"):
        crew.ask(facade.restart, run)


def test_a_run_that_undoes_what_it_did_pauses_between_two_undoings_and_goes_on(crew: Workers) -> None:
    first, second = f"touch {crew.folder}/first", gate(crew.folder, "second")
    run = crew.submit(workflow(_undoable("a", first), _undoable("b", second, "a"), shell("c", "b", command="false")))
    crew.wait_for(crew.folder / "second.began")
    crew.ask(facade.pause, run, by="ann")
    allow(crew.folder, "second")
    crew.wait(run, lambda seen: seen.status == "paused")
    assert not (crew.folder / "first").exists()
    crew.ask(facade.resume, run)
    assert crew.finish(run).status == "compensated"
    assert (crew.folder / "first").exists()


def test_a_run_that_has_begun_to_undo_can_be_killed_and_never_restarted(crew: Workers) -> None:
    run = crew.submit(workflow(_undoable("a", gate(crew.folder, "a")), shell("b", "a", command="false")))
    crew.wait_for(crew.folder / "a.began")
    assert crew.ask(facade.kill, run) == "cancelled"
    assert problems(crew.database.worker) == []
    with pytest.raises(StateError, match="begun to undo"):
        crew.ask(facade.restart, run)


def test_a_fork_does_not_undo_what_its_source_did(crew: Workers) -> None:
    undo = f"touch {crew.folder}/undone"
    run = crew.submit(workflow(_undoable("a", undo), shell("b", "a", command=needs(crew.folder, "b"))))
    allow(crew.folder, "b")
    crew.finish(run)
    (crew.folder / "b.good").unlink()
    forked = crew.ask(facade.fork, run, from_step="b").workflow_run_id
    assert crew.finish(forked).status == "failed"
    assert not (crew.folder / "undone").exists()


CODE = """
def main(ctx):
    ctx.step("once", lambda: 1)
    with ctx.transaction("count") as tx:
        tx.counter_add("{name}", 1)
    ctx.step("try", lambda: 1 / {divisor})
    return "done"
"""


def test_durable_code_that_failed_goes_on_behind_what_it_has_noted_when_its_run_is_restarted(crew: Workers) -> None:
    name = str(crew.tenant)
    code = CODE.format(name=name, divisor="len(ctx.get_variable('never') or [])")
    run = crew.submit(workflow(_code(code)))
    assert crew.finish(run).status == "failed"
    crew.ask(facade.restart, run)
    assert crew.finish(run).status == "failed", "nothing has changed, but it was tried again"
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = %s", name) == 1
        restarts = connection.execute(
            "SELECT data -> 'removed' -> 0 ->> 'step_key' FROM highway.journal WHERE workflow_run_id = %s AND kind = 'restarted'",
            [run],
        ).fetchall()
        failures = "SELECT count(*) FROM highway.checkpoint WHERE workflow_run_id = %s AND step_key = 'work.try@1'"
        assert scalar(connection, failures, run) == 1
    assert restarts == [("work.try@1",)]


def test_durable_code_whose_attempts_are_spent_is_tried_again_with_other_arguments(crew: Workers) -> None:
    name = str(crew.tenant)
    run = crew.submit(workflow(_code(CODE.format(name=name, divisor=0), metadata={"on_exhausted": "pause"})))
    crew.wait(run, lambda seen: seen.status == "paused")
    better = CODE.format(name=name, divisor=1)
    crew.ask(facade.resume, run, step_inputs={"work": {"kwargs": {"code": better}}})
    assert crew.finish(run).status == "completed"
    with connect(crew.database.superuser) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = %s", name) == 1


def test_durable_code_that_waits_pauses_at_once_and_remembers_what_a_person_edited(crew: Workers) -> None:
    text = "def main(ctx):\n    ctx.wait_for_event('go')\n    return 1 / {divisor}\n"
    run = crew.submit(workflow(_code(text.format(divisor=0), metadata={"on_exhausted": "pause"})))
    crew.wait(run, lambda seen: seen.status == "sleeping")
    assert crew.ask(facade.pause, run) == "paused"
    crew.ask(facade.emit_event, run, name="go")
    crew.ask(facade.resume, run)
    crew.wait(run, lambda _: len(crew.ask(facade.list_exhausted, run)) == 1)
    edited = "def main(ctx):\n    ctx.wait_for_event('go')\n    ctx.sleep(0.2)\n    return 7\n"
    crew.ask(facade.resume, run, step_inputs={"work": {"kwargs": {"code": edited}}})
    crew.finish(run)
    assert crew.result(run)["work"] == 7
