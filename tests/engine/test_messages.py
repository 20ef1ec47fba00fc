"""Signals are taken once and in order; updates get exactly one answer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.model.commands import AnswerUpdate, AwaitMessage
from engine.model.json import JsonObject
from engine.orchestrator.waits import wait_write
from engine.queue.writes import Finished, Suspended, TaskWrites
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import scalar, start, take, write
from tests.support.workers import Workers


def _task(task_id: str, function: str, *after: str, **kwargs: Any) -> JsonObject:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": function,
        "kwargs": kwargs,
        "dependencies": list(after),
    }


def _workflow(*tasks: JsonObject) -> JsonObject:
    by_id: JsonObject = {str(task["task_id"]): task for task in tasks}
    return {"name": "messages", "version": "1", "start_task": str(tasks[0]["task_id"]), "tasks": by_id}


def _receiver(*names: str, signal: str = "item") -> JsonObject:
    order = list(names)
    return _workflow(
        *(
            _task(name, "tools.workflow.receive_signal", *order[max(0, at - 1) : at], name=signal, timeout_seconds=60)
            for at, name in enumerate(order)
        )
    )


def _send(workers: Workers, run_id: UUID, payload: Any, name: str = "item") -> None:
    with connect(workers.database.web) as connection:
        facade.send_signal(
            connection, tenant_id=workers.tenant, workflow_run_id=run_id, name=name, payload=payload, by="ann"
        )


def test_signals_are_taken_in_order_each_once_whether_they_came_before_or_after(workers: Workers) -> None:
    run_id = workers.submit(_receiver("first", "second", "third"))
    _send(workers, run_id, 1)
    _send(workers, run_id, 2)
    workers.start()
    workers.wait(run_id, lambda run: run.status == "sleeping" and len(workers.result(run_id)) == 2)
    _send(workers, run_id, 3)
    assert workers.finish(run_id).status == "completed"
    taken = workers.result(run_id)
    assert [taken[name]["payload"] for name in ("first", "second", "third")] == [1, 2, 3]
    assert taken["first"]["sent_by"] == "ann"


def test_a_signal_that_does_not_come_in_time_fails_the_step_with_a_kind_of_its_own(workers: Workers) -> None:
    workers.start()
    run = workers.finish(
        workers.submit(_workflow(_task("hear", "tools.workflow.receive_signal", name="never", timeout_seconds=0.1)))
    )
    assert (run.status, run.error and run.error["kind"]) == ("failed", "event_timeout")


def test_an_update_is_answered_by_the_run_and_unanswered_ones_end_with_it(workers: Workers) -> None:
    definition = _workflow(
        _task("take", "tools.update.handle", name="price"),
        _task(
            "reply", "tools.update.reply", "take", update_id="{{take.update_id}}", result={"is": "{{take.payload.of}}"}
        ),
    )
    workers.start()
    run_id = workers.submit(definition)
    with connect(workers.database.web) as connection:
        ask = functools.partial(
            facade.request_update, connection, tenant_id=workers.tenant, workflow_run_id=run_id, name="price"
        )
        first = ask(payload={"of": "tea"})
        workers.finish(run_id)
        answered = facade.get_update(connection, tenant_id=workers.tenant, update_id=first)
        assert (answered.state, answered.result, answered.taken_by) == ("completed", {"is": "tea"}, "take")
        with pytest.raises(StateError, match="already ended"):
            ask()


def test_durable_code_takes_signals_and_answers_updates(workers: Workers) -> None:
    code = """
def main(ctx):
    total = 0
    for number in range(3):
        total += ctx.signal("add", timeout=60)["payload"]
    asked = ctx.update("total", timeout=60)
    ctx.reply(asked, {"total": total})
    return total
"""
    workers.start()
    run_id = workers.submit(_workflow(_task("work", "tools.code.durable", code=code)))
    for number in (1, 2, 3):
        _send(workers, run_id, number, name="add")
    with connect(workers.database.web) as connection:
        update = facade.request_update(connection, tenant_id=workers.tenant, workflow_run_id=run_id, name="total")
        workers.finish(run_id, seconds=60)
        assert facade.get_update(connection, tenant_id=workers.tenant, update_id=update).result == {"total": 6}


@pytest.mark.parametrize("stop", [facade.kill, facade.cancel])
def test_a_signal_that_durable_code_has_noted_is_not_taken_again_when_the_code_is_stopped_and_restarted(
    crew: Workers, stop: Callable[..., Any]
) -> None:
    code = """
import time

def hold():
    time.sleep(2)

def main(ctx):
    first = ctx.signal("add", timeout=60)["payload"]
    ctx.step("hold", hold)
    return [first, ctx.signal("add", timeout=60)["payload"]]
"""
    run_id = crew.submit(_workflow(_task("work", "tools.code.durable", code=code)))
    _send(crew, run_id, 1, name="add")
    crew.wait(run_id, lambda _: "work.signal add" in _noted(crew, run_id))
    crew.ask(stop, run_id)
    crew.finish(run_id)
    crew.ask(facade.restart, run_id)
    _send(crew, run_id, 2, name="add")
    assert crew.finish(run_id).status == "completed"
    assert crew.result(run_id)["work"] == [1, 2]


def _noted(workers: Workers, run_id: UUID) -> set[str]:
    with connect(workers.database.worker) as connection:
        rows = connection.execute("SELECT step_key FROM highway.checkpoint WHERE workflow_run_id = %s", [run_id])
        return {key for (key,) in rows}


def _awaits(task: Any, key: str = "hear", kind: Any = "signal") -> TaskWrites:
    return TaskWrites(task, waits=[wait_write(AwaitMessage(key, kind, "go"))], exit=Suspended())


def test_send_then_wait_the_waiter_gets_the_signal(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("SELECT highway.send_signal(%s, %s, 'go', '7')", [tenant, run])
            second = Second(database.worker, lambda _: write(database.worker, _awaits(task)))
            assert scalar(observer, "SELECT count(*) FROM highway.wait") == 0
        second.result()
        assert scalar(observer, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"
        assert scalar(observer, "SELECT given ->> 'payload' FROM highway.wait") == "7"
    assert problems(database.worker) == []


def test_wait_then_send_the_sender_is_held_up_and_finds_the_waiter(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("SELECT FROM highway.lock_open_tasks(%s, %s)", [tenant, run])
            second = Second(
                database.worker,
                lambda connection: connection.execute("SELECT highway.send_signal(%s, %s, 'go')", [tenant, run]),
            )
            second.wait_until_blocked(observer, first)
        second.result()
        write(database.worker, _awaits(task))
        assert scalar(observer, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"
        assert scalar(observer, "SELECT count(*) FROM highway.signal WHERE taken_by = 'hear'") == 1
    assert problems(database.worker) == []


def test_two_signals_at_once_are_both_kept_and_one_waiter_gets_one(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _awaits(task))
        with first.transaction():
            first.execute("SELECT highway.send_signal(%s, %s, 'go', '1')", [tenant, run])
            second = Second(
                database.worker,
                lambda connection: connection.execute("SELECT highway.send_signal(%s, %s, 'go', '2')", [tenant, run]),
            )
            second.wait_until_blocked(observer, first)
        second.result()
        assert scalar(observer, "SELECT count(*) FROM highway.signal") == 2
        assert scalar(observer, "SELECT given ->> 'payload' FROM highway.wait") == "1"
        assert scalar(observer, "SELECT payload FROM highway.signal WHERE taken_by IS NULL") == 2


def test_send_then_cancel_the_cancel_waits_and_ends_a_run_whose_signal_is_taken(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _awaits(task))
        with first.transaction():
            first.execute("SELECT highway.send_signal(%s, %s, 'go')", [tenant, run])
            second = Second(
                database.worker, lambda connection: facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
            )
            second.wait_until_blocked(observer, first)
        assert second.result() == "cancelled"
    assert problems(database.worker) == []


def test_cancel_then_send_the_signal_is_refused(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        with first.transaction():
            first.execute("SELECT highway.cancel_run(%s, %s)", [tenant, run])
            second = Second(
                database.worker,
                lambda connection: facade.send_signal(connection, tenant_id=tenant, workflow_run_id=run, name="go"),
            )
            second.wait_until_blocked(observer, first)
        assert isinstance(second.result(), StateError)
        assert scalar(observer, "SELECT count(*) FROM highway.signal") == 0


def test_request_then_complete_the_run_ends_and_the_update_has_failed(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            first.execute("SELECT highway.request_update(%s, %s, 'go')", [tenant, run])
            second = Second(
                database.worker, lambda _: write(database.worker, TaskWrites(task, exit=Finished("completed")))
            )
        second.result()
        update_id = scalar(observer, "SELECT update_id FROM highway.update_request")
        update = facade.get_update(observer, tenant_id=tenant, update_id=update_id)
        assert (update.state, update.error and update.error["type"]) == ("failed", "RunEnded")


def test_a_late_workers_answer_to_an_update_changes_nothing(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _awaits(task, kind="update"))
        update_id = facade.request_update(observer, tenant_id=tenant, workflow_run_id=run, name="go")
        (again,) = take(database.worker)
        late = TaskWrites(task, answers=[AnswerUpdate("hear", str(update_id), "late")])
        assert write(database.worker, late).stale == {run}
        write(database.worker, TaskWrites(again, answers=[AnswerUpdate("hear", str(update_id), "right")]))
        write(database.worker, TaskWrites(again, answers=[AnswerUpdate("hear", str(update_id), "twice")]))
        assert facade.get_update(observer, tenant_id=tenant, update_id=update_id).result == "right"


def test_an_update_of_another_run_cannot_be_answered(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as observer:
        theirs = start(observer, tenant)
        (task,) = take(database.worker)
        write(database.worker, _awaits(task, kind="update"))
        update_id = facade.request_update(observer, tenant_id=tenant, workflow_run_id=theirs, name="go")
        start(observer, tenant)
        others = {claimed.workflow_run_id: claimed for claimed in take(database.worker)}
        mine = next(claimed for run, claimed in others.items() if run != theirs)
        write(database.worker, TaskWrites(mine, answers=[AnswerUpdate("x", str(update_id), "stolen")]))
        assert facade.get_update(observer, tenant_id=tenant, update_id=update_id).state == "taken"
