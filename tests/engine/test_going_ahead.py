"""What starts before that is written which led to it: only what would be decided alike, whoever takes the task up again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.model.json import JsonObject
from tests.engine.control_steps import allow, gate
from tests.support.worker_process import suspends_always
from tests.support.workers import Workers


def _task(name: str, *behind: str, function: str = "tools.memory.get", **more: Any) -> JsonObject:
    call: JsonObject = {"function": function, "args": ["nothing"]}
    return {"task_id": name, "operator_type": "task", "dependencies": list(behind), **call, **more}


def _workflow(*tasks: JsonObject) -> JsonObject:
    return {"name": "ahead", "start_task": tasks[0]["task_id"], "tasks": {str(task["task_id"]): task for task in tasks}}


def _waiting(**more: Any) -> JsonObject:
    return {"task_id": "wait", "operator_type": "wait_for_event", "event_name": "go", **more}


def _commits(workers: Workers, run_id: UUID) -> dict[str, str]:
    """In which transaction each step's checkpoint was written."""
    with psycopg.connect(workers.database.superuser) as connection:
        rows = connection.execute(
            "SELECT step_key, xmin::text FROM highway.checkpoint WHERE workflow_run_id = %s", [run_id]
        )
        return dict(rows.fetchall())


def _asleep(workers: Workers, definition: JsonObject) -> UUID:
    run_id = workers.submit(definition)
    workers.wait(run_id, lambda run: run.status == "sleeping")
    return run_id


def test_a_step_behind_an_event_is_written_along_with_the_end_of_the_wait(crew: Workers) -> None:
    run_id = _asleep(crew, _workflow(_waiting(), _task("after", "wait")))
    crew.ask(facade.emit_event, run_id, name="go", payload={})
    assert crew.finish(run_id).status == "completed"
    commits = _commits(crew, run_id)
    assert (commits["wait"] == commits["after"]) is not suspends_always()


def test_a_step_that_takes_its_time_starts_at_once_and_the_wait_before_it_is_written_meanwhile(crew: Workers) -> None:
    after = _task("after", "wait", function="tools.shell.run", args=[gate(crew.folder, "after")])
    run_id = _asleep(crew, _workflow(_waiting(), after))
    crew.ask(facade.emit_event, run_id, name="go", payload={})
    crew.wait(run_id, lambda _: "wait" in _commits(crew, run_id))
    assert "after" not in _commits(crew, run_id)
    allow(crew.folder, "after")
    assert crew.finish(run_id).status == "completed"


def test_a_pause_between_two_steps_is_written_along_with_the_step_behind_it(crew: Workers) -> None:
    pause: JsonObject = {"task_id": "wait", "operator_type": "wait", "wait_for": 0.3}
    run_id = crew.submit(_workflow(pause, _task("after", "wait")))
    assert crew.finish(run_id).status == "completed"
    commits = _commits(crew, run_id)
    assert (commits["wait"] == commits["after"]) is not suspends_always()


@pytest.mark.parametrize(
    ("definition", "steps"),
    [
        # An event could come after all: another look might tell that it came, and the handler would not be wanted.
        (_workflow(_waiting(timeout_seconds=0.2, on_failure_task_id="late"), _task("late")), ("wait", "late")),
        # The result of a call is what the next one may be made of.
        (_workflow(_task("first"), _task("second", "first")), ("first", "second")),
    ],
)
def test_what_might_be_decided_otherwise_is_durable_before_the_next_step_starts(
    crew: Workers, definition: JsonObject, steps: tuple[str, str]
) -> None:
    run_id = crew.submit(definition)
    crew.finish(run_id)
    commits = _commits(crew, run_id)
    assert commits[steps[0]] != commits[steps[1]]


def test_a_step_that_commits_by_itself_waits_for_what_led_to_it(crew: Workers) -> None:
    counted = _task("after", "wait", function="tools.simple_counter.increment", args=["ahead"])
    run_id = _asleep(crew, _workflow(_waiting(), counted))
    crew.ask(facade.emit_event, run_id, name="go", payload={})
    assert crew.finish(run_id).status == "completed", crew.run(run_id).error
    commits = _commits(crew, run_id)
    assert commits["wait"] != commits["after"]
