"""Retries that are spent pause the run for a person: try again with fresh attempts, with other arguments, or give the step up."""

from __future__ import annotations

from typing import Any

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, StateError
from engine.model.views import RunView
from tests.engine.control_steps import allow, branches, counted, gate, needs, shell, tries
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.workers import Workers

PAUSE = {"on_exhausted": "pause"}
TWICE = {"max_retries": 1, "delay": "PT0.05S", "backoff_factor": 1.0}


def _flaky(workers: Workers, name: str, *after: str, **more: Any) -> dict[str, Any]:
    return shell(name, *after, command=needs(workers.folder, name), metadata=PAUSE, retry_policy=TWICE, **more)


def _paused(workers: Workers, run: Any) -> RunView:
    return workers.wait(run, lambda seen: seen.status == "paused")


def test_the_run_pauses_naming_step_and_error_and_goes_on_with_fresh_attempts(crew: Workers) -> None:
    run = crew.submit(workflow(_flaky(crew, "a"), counted("b", "a")))
    seen = _paused(crew, run)
    assert seen.paused_by == "highway"
    assert (seen.pause_reason or "").startswith("a failed and its attempts are spent: ")
    with connect(crew.database.web) as connection:
        reasons = facade.why_waiting(connection, tenant_id=crew.tenant, run=seen)
    assert [reason.code for reason in reasons] == ["paused", "person"]
    assert crew.steps(run)["a"].status == "waiting"
    crew.ask(facade.resume, run, by="ann")
    crew.wait(run, lambda _: tries(crew.folder, "a") == 4)
    _paused(crew, run)
    allow(crew.folder, "a")
    crew.ask(facade.resume, run, by="ann")
    assert crew.finish(run).status == "completed"
    assert tries(crew.folder, "a") == 5
    assert [each.attempt for each in crew.steps(run)["a"].attempts] == [1, 2, 3, 4]


def test_the_arguments_can_be_edited_and_what_the_tool_would_refuse_is_refused_at_once(crew: Workers) -> None:
    run = crew.submit(workflow(shell("a", command="false", metadata=PAUSE), counted("b", "a")))
    _paused(crew, run)
    (step,) = crew.ask(facade.list_exhausted, run)
    assert (step.path, step.tool, step.input) == ("a", "tools.shell.run", {"args": ["false"], "kwargs": {}})
    with pytest.raises(InvalidError, match="misspelt is not an argument"):
        crew.ask(facade.resume, run, step_inputs={"a": {"kwargs": {"misspelt": 1}}})
    with pytest.raises(InvalidError, match="no step z waits for a person"):
        crew.ask(facade.resume, run, step_inputs={"z": {}})
    crew.ask(facade.resume, run, step_inputs={"a": {"args": ["echo better"]}})
    assert crew.finish(run).status == "completed"
    assert crew.result(run)["a"]["stdout"] == "better\n"  # type: ignore[index,call-overload]
    assert crew.steps(run)["a"].input == {"args": ["echo better"], "kwargs": {}}


def test_a_step_that_is_given_up_fails_as_it_would_have_and_its_handler_runs(crew: Workers) -> None:
    run = crew.submit(
        workflow(shell("a", command="exit 9", metadata=PAUSE, on_failure_task_id="h"), counted("h"), counted("n", "h"))
    )
    _paused(crew, run)
    with pytest.raises(StateError, match="no step h waits"):
        crew.ask(facade.give_up, run, step="h")
    crew.ask(facade.give_up, run, step="a", by="ann")
    assert crew.finish(run).status == "completed"
    steps = crew.steps(run)
    assert (steps["a"].status, steps["h"].status, steps["n"].status) == ("failed", "succeeded", "succeeded")


def test_it_works_in_branches_and_loops_and_when_another_worker_takes_over(workers: Workers) -> None:
    first = workers.start()
    body = [shell("inner", command=needs(workers.folder, "i") + " || [ {{item}} = 0 ]", metadata=PAUSE)]
    loop = op("foreach", "loop", items="range(3)", loop_body=body)
    run = workers.submit(
        workflow(
            op("parallel", "fork", branch_workflows=branches(x=[loop])),
            task("wait", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"]),
        )
    )
    workers.wait(
        run, lambda _: [step.path for step in workers.ask(facade.list_exhausted, run)] == ["fork.x/loop[1]/inner"]
    )
    workers.wait(run, lambda seen: seen.status == "paused")
    workers.kill(first)
    workers.start()
    with pytest.raises(InvalidError, match="no step inner waits"):
        workers.ask(facade.resume, run, step_inputs={"inner": {"args": ["true"]}})
    workers.ask(facade.resume, run, step_inputs={"fork.x/loop[1]/inner": {"args": ["echo edited"]}})
    workers.wait(
        run, lambda _: [step.path for step in workers.ask(facade.list_exhausted, run)] == ["fork.x/loop[2]/inner"]
    )
    allow(workers.folder, "i")
    workers.ask(facade.resume, run)
    assert workers.finish(run).status == "completed"
    assert workers.steps(run)["fork.x/loop[1]/inner"].result["stdout"] == "edited\n"  # type: ignore[index,call-overload]


def test_edited_arguments_and_spent_attempts_are_remembered_over_a_crash_between_attempts(workers: Workers) -> None:
    first = workers.start()
    slow = {"max_retries": 1, "delay": "PT10M", "backoff_factor": 1.0}
    run = workers.submit(workflow(shell("a", command="false", metadata=PAUSE, retry_policy=slow)))
    workers.wait(run, lambda seen: seen.status == "sleeping")
    workers.hurry(run)
    _paused(workers, run)
    edited = {"args": [needs(workers.folder, "e")]}
    workers.ask(facade.resume, run, step_inputs={"a": edited})
    workers.wait(run, lambda seen: tries(workers.folder, "e") == 1 and seen.status == "sleeping")
    workers.kill(first)
    workers.start()
    workers.hurry(run)
    _paused(workers, run)
    assert tries(workers.folder, "e") == 2, "the fresh attempts are counted from the person's answer"
    (step,) = workers.ask(facade.list_exhausted, run)
    assert (step.attempt, step.input) == (4, edited | {"kwargs": {}})
    workers.ask(facade.give_up, run, step="a")
    assert workers.finish(run).status == "failed"


def test_the_rest_of_the_run_waits_too_and_giving_one_of_two_up_leaves_the_other_to_be_answered(
    crew: Workers,
) -> None:
    both = [shell(name, command=f"{gate(crew.folder, name)}; false", metadata=PAUSE) for name in ("a", "b")]
    run = crew.submit(workflow(*both, op("wait", "nap", wait_for="PT1H")))
    for name in ("a", "b"):  # both are under way before one of them pauses the run
        crew.wait_for(crew.folder / f"{name}.began")
    for name in ("a", "b"):
        allow(crew.folder, name)
    crew.wait(run, lambda _: len(crew.ask(facade.list_exhausted, run)) == 2)
    _paused(crew, run)
    assert crew.ask(facade.give_up, run, step="a") == "paused"
    assert [step.path for step in crew.ask(facade.list_exhausted, run)] == ["b"]
    assert problems(crew.database.worker) == []
    crew.ask(facade.give_up, run, step="b")
    assert crew.finish(run).status == "failed"


def test_without_the_wish_a_step_whose_attempts_are_spent_fails(crew: Workers) -> None:
    run = crew.submit(workflow(shell("a", command="false", metadata={"on_exhausted": "fail"})))
    assert crew.finish(run).status == "failed"
