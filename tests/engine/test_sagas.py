"""A run that does not succeed undoes what it did: last in, first out, each once, whatever happens to its worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.language import check
from engine.model.commands import Record
from engine.model.json import JsonObject
from engine.model.undo import undo_call
from engine.orchestrator.entry import enter, stopped
from engine.queue.loading import load_tasks
from engine.queue.writes import Finished, RecordWrite, TaskWrites
from engine.services.deadlines import stop_expired_runs
from engine.tools import registry
from tests.engine.control_steps import allow, gate
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import fork, fork_and_wait, scalar, start, states, take, write
from tests.support.workers import Workers


def _step(task_id: str, function: str, *after: str, **more: Any) -> JsonObject:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": function,
        "dependencies": list(after),
        **more,
    }


def _count(task_id: str, *after: str, undo_first: str = "") -> JsonObject:
    """Adds 1 to a counter; undone by taking the value that it gave away again, or by a command that does something first."""
    undo: JsonObject = {
        "function": "tools.simple_counter.decrement",
        "kwargs": {"name": task_id, "delta": f"{{{{{task_id}.value}}}}"},
    }
    if undo_first:
        undo = {
            "function": "tools.shell.run",
            "kwargs": {"command": f"{undo_first}; echo {task_id}"},
            "retry_policy": {"max_retries": 3, "delay": 0.1},
        }
    increment = {"function": "tools.simple_counter.increment", "kwargs": {"name": task_id}}
    return _step(task_id, increment["function"], *after, kwargs=increment["kwargs"], metadata={"compensation": undo})  # type: ignore[arg-type]


def _workflow(*tasks: JsonObject) -> JsonObject:
    by_id: JsonObject = {str(task["task_id"]): task for task in tasks}
    return {"name": "saga", "version": "1", "start_task": str(tasks[0]["task_id"]), "tasks": by_id}


def _undone(workers: Workers, run_id: UUID) -> list[str]:
    return [key for key, step in workers.steps(run_id).items() if key.endswith("@undo") and step.status == "succeeded"]


FAIL = _step("fail", "tools.shell.run", "b", args=["exit 3"])


def test_a_failed_run_undoes_its_steps_last_in_first_out_and_is_compensated(workers: Workers) -> None:
    workers.start()
    run_id = workers.submit(_workflow(_count("a"), _count("b", "a"), FAIL))
    run = workers.finish(run_id)
    assert (run.status, run.error and run.error["step"]) == ("compensated", "fail")
    assert _undone(workers, run_id) == ["b@undo", "a@undo"]
    with connect(workers.database.web) as connection:
        listed = facade.list_undo(connection, tenant_id=workers.tenant, workflow_run_id=run_id)
    assert [(undo.step_key, undo.outcome) for undo in listed] == [("b", "succeeded"), ("a", "succeeded")]
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT array_agg(value) FROM highway.counter") == [0, 0]


def test_a_run_that_succeeds_undoes_nothing(workers: Workers) -> None:
    workers.start()
    run_id = workers.submit(_workflow(_count("a")))
    assert workers.finish(run_id).status == "completed"
    assert _undone(workers, run_id) == []


def test_each_step_is_undone_once_although_workers_are_killed_while_they_undo(workers: Workers) -> None:
    steps = [_count(f"s{n}", *([f"s{n - 1}"] if n else []), undo_first="sleep 0.4") for n in range(5)]
    fail = _step("fail", "tools.shell.run", "s4", args=["exit 3"])
    run_id = workers.submit(_workflow(*steps, fail))
    process = workers.start()
    for killed in range(2):
        workers.wait(run_id, lambda _, killed=killed: len(_undone(workers, run_id)) > killed)  # type: ignore[misc]
        workers.kill(process)
        process = workers.start()
    assert workers.finish(run_id, seconds=60).status == "compensated"
    assert _undone(workers, run_id) == [f"s{n}@undo" for n in (4, 3, 2, 1, 0)]


def test_a_cancelled_run_undoes_what_it_did_and_can_be_cancelled_only_once(workers: Workers) -> None:
    nap = {"task_id": "nap", "operator_type": "wait", "wait_for": 600, "dependencies": ["a"]}
    workers.start()
    run_id = workers.submit(_workflow(_count("a", undo_first=gate(workers.folder, "undo")), nap))
    workers.wait(run_id, lambda run: run.status == "sleeping")
    with connect(workers.database.web) as connection:
        status = facade.cancel(connection, tenant_id=workers.tenant, workflow_run_id=run_id, reason="no more")
        assert status == "pending"
        with pytest.raises(StateError, match="undoing"):
            facade.cancel(connection, tenant_id=workers.tenant, workflow_run_id=run_id)
    allow(workers.folder, "undo")
    run = workers.finish(run_id)
    assert (run.status, run.error and run.error["message"]) == ("compensated", "no more")


def test_what_cannot_be_undone_does_not_keep_the_rest_and_fails_the_run(workers: Workers) -> None:
    broken = _step(
        "b",
        "tools.shell.run",
        "a",
        args=["echo b"],
        compensation={"function": "tools.shell.run", "args": ["exit 1"], "retry_policy": {"max_retries": 0}},
    )
    workers.start()
    run_id = workers.submit(_workflow(_count("a"), broken, FAIL))
    run = workers.finish(run_id)
    assert (run.status, run.error and run.error["kind"]) == ("failed", "undo")
    assert "1 of 2 steps could not be undone (b@undo)" in str(run.error and run.error["message"])
    assert _undone(workers, run_id) == ["a@undo"]


def test_an_undo_that_fails_is_tried_again_after_its_pause(workers: Workers) -> None:
    flag = workers.folder / "tried"
    fails_once = _step(
        "b",
        "tools.shell.run",
        "a",
        args=["echo b"],
        compensation={
            "function": "tools.shell.run",
            "args": [f"test -e {flag} || {{ touch {flag}; exit 1; }}"],
            "retry_policy": {"max_retries": 2, "delay": 0.1},
        },
    )
    workers.start()
    run_id = workers.submit(_workflow(_count("a"), fails_once, FAIL))
    assert workers.finish(run_id).status == "compensated"
    assert _undone(workers, run_id) == ["b@undo", "a@undo"]


def test_steps_of_branches_and_rounds_are_undone_in_the_order_of_all(workers: Workers) -> None:
    branch = {"name": "side", "version": "1", "tasks": {"inner": _count("inner")}, "start_task": "inner"}
    fork: JsonObject = {
        "task_id": "fork",
        "operator_type": "parallel",
        "branches": {"side": ["inner"]},
        "branch_workflows": {"side": branch},
    }
    join = _step("join", "tools.workflow.wait_for_parallel_branches", "fork", args=["{{fork}}"])
    body = _count("each")
    loop: JsonObject = {
        "task_id": "loop",
        "operator_type": "foreach",
        "items": "[1, 2]",
        "loop_body": [body],
        "dependencies": ["join"],
    }
    fail = _step("fail", "tools.shell.run", "loop", args=["exit 3"])
    workers.start()
    run_id = workers.submit(_workflow(fork, join, loop, fail))
    run = workers.finish(run_id)
    assert run.status == "compensated", run.error
    assert _undone(workers, run_id) == ["loop[1]/each@undo", "loop[0]/each@undo", "fork.side/inner@undo"]


def test_an_unknown_tool_and_an_unknown_name_in_a_compensation_are_found_at_submission() -> None:
    step = _step(
        "a",
        "tools.shell.run",
        args=["true"],
        compensation={"function": "tools.shel.run", "args": ["{{b.x}} {{a.stdout}}"]},
    )
    found = {(problem.path, problem.code) for problem in check(_workflow(step), registry.keys(), [])}
    assert ("$.tasks.a.compensation.function", "unknown_tool") in found
    assert ("$.tasks.a.compensation.args[0]", "unknown_name") in found


def _did(task: Any, key: str = "a") -> TaskWrites:
    call = undo_call("tools.log.info", ["undone"], {}, None, None)
    return TaskWrites(task, records=[RecordWrite(Record(key, "task", "succeeded", undo=call), 0.0)])


def test_record_then_cancel_what_is_done_is_undone(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _did(task))
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [run])
            second = Second(
                database.worker, lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
            )
            second.wait_until_blocked(observer, first)
        assert second.result() == "running"
        write(database.worker, TaskWrites(task, exit=stopped("cancelled", "no more")))
        assert scalar(observer, "SELECT (state, phase)::text FROM highway.task") == "(pending,undoing)"
        assert problems(database.worker) == []
        (again,) = take(database.worker)
        assert (again.phase, again.error and again.error["kind"]) == ("undoing", "cancelled")


def test_cancel_then_record_in_a_branch_what_it_did_is_undone(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, fork_and_wait(task, "f.a"))
        (branch,) = take(database.worker)
        assert facade.cancel(observer, tenant_id=tenant, workflow_run_id=run) == "pending", "its branch is executed"
        assert write(database.worker, _did(branch)).live == {branch.task_id}
        write(database.worker, TaskWrites(branch, exit=stopped("cancelled", "no more")))
        (again,) = take(database.worker)
        assert (again.task_id, again.phase) == (run, "undoing")
        (undo,) = load_tasks(observer, [again])[run].undo
        assert undo.key == "f.a/a@undo"


def test_a_cancelled_run_whose_branch_did_nothing_to_undo_is_cancelled(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, fork_and_wait(task, "f.a"))
        (branch,) = take(database.worker)
        facade.cancel(observer, tenant_id=tenant, workflow_run_id=run, reason="no more")
        write(database.worker, TaskWrites(branch, exit=stopped("cancelled", "no more")))
        (again,) = take(database.worker)
        session = enter(again, None, load_tasks(observer, [again])[run])
        session.advance()
        write(database.worker, session.writes)
        ended = facade.get_run(observer, tenant_id=tenant, workflow_run_id=run)
        assert (ended.status, ended.error and ended.error["message"]) == ("cancelled", "no more")
    assert problems(database.worker) == []


def test_a_run_that_turns_to_undoing_stops_what_it_forked(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, fork(task, "f.a", records=_did(task).records))
        write(database.worker, TaskWrites(task, exit=Finished("failed", error={"kind": "poison", "message": "poison"})))
        assert states(observer, run) == {"": "pending", "f.a": "cancelled"}
    assert problems(database.worker) == []


def test_a_late_worker_registers_nothing_to_undo(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        start(observer, tenant)
        (task,) = take(database.worker)
        observer.execute("UPDATE highway.task SET epoch = epoch + 1")
        assert write(database.worker, _did(task)).stale == {task.task_id}
        assert scalar(observer, "SELECT count(*) FROM highway.compensation") == 0


def test_fail_then_cancel_the_run_undoes_once_and_the_cancel_is_refused(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _did(task))
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [run])
            first.execute(
                "SELECT highway.finish_tasks(ARRAY[%s::uuid], ARRAY[%s::uuid], ARRAY[%s::int], ARRAY['failed'], ARRAY[NULL], ARRAY['{}'])",
                [tenant, run, task.epoch],
            )
            second = Second(
                database.worker, lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
            )
            second.wait_until_blocked(observer, first)
        assert isinstance(second.result(), StateError)
        assert scalar(observer, "SELECT count(*) FROM highway.journal WHERE kind = 'undoing'") == 1
    assert problems(database.worker) == []


def test_the_deadline_of_a_run_that_undoes_is_over(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _did(task))
        write(database.worker, TaskWrites(task, exit=Finished("failed", error={"kind": "tool"})))
        observer.execute("UPDATE highway.workflow_run SET deadline_at = highway.now() - interval '1 hour'")
        assert stop_expired_runs(observer, task.task_id) == 0
