"""A message that comes in the moment in which its time limit is heard: it goes to the step, or stays in the inbox. It is never lost between the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.commands import AwaitMessage
from engine.model.json import JsonObject
from engine.orchestrator.entry import enter
from engine.orchestrator.session import Session
from engine.orchestrator.waits import wait_write
from engine.queue.commit import commit
from engine.queue.loading import load_tasks
from engine.queue.writes import HandedBack, Suspended, TaskWrites
from engine.worker.programs import Programs
from tests.engine.definitions import task, workflow
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import WORKER, fork, scalar, start, take, write
from tests.support.workers import Workers

Send = Callable[["psycopg.Connection[Any]", UUID, UUID], Any]
RECEIVERS = {"signal": "tools.workflow.receive_signal", "update": "tools.update.handle"}
KINDS = pytest.mark.parametrize("kind", RECEIVERS)


def _patient(kind: str) -> JsonObject:
    """A step that waits for a moment, and what is done when nothing came."""
    hear = task(
        "hear", function=RECEIVERS[kind], kwargs={"name": "go", "timeout_seconds": 0.05}, on_failure_task_id="pass_on"
    )
    return workflow(hear, task("pass_on", function="tools.log.info", args=["late"]))


def _send(kind: str) -> Send:
    do = {"signal": facade.send_signal, "update": facade.request_update}[kind]
    return lambda connection, tenant, run: do(connection, tenant_id=tenant, workflow_run_id=run, name="go", payload=7)


def _untaken(observer: psycopg.Connection[Any], kind: str) -> int:
    table = {"signal": "highway.signal", "update": "highway.update_request"}[kind]
    found: int = scalar(observer, f"SELECT count(*) FROM {table} WHERE taken_by IS NULL")
    return found


def _late(database: Database, tenant: UUID, kind: str) -> Session:
    """A session that has heard that its step's time is over, and has not written that yet."""
    with connect(database.worker) as own:
        run = start(own, tenant, _patient(kind))
        (fresh,) = take(database.worker)
        wait = wait_write(AwaitMessage("hear", kind, "go", 0.05, _stored(kind)))  # type: ignore[arg-type]
        write(database.worker, TaskWrites(fresh, waits=[wait], exit=Suspended()))
        own.execute("SELECT pg_sleep(0.1)")
        own.execute("UPDATE highway.task SET state = 'pending' WHERE task_id = %s", [run])
        (again,) = take(database.worker)
        session = enter(again, Programs().get(own, again), load_tasks(own, [again])[run])
        session.advance()
    assert [(each.record.key, each.record.outcome) for each in session.writes.records] == [("hear", "failed")]
    return session


def _stored(kind: str) -> JsonObject:
    return {"kind": "take", "message": kind, "name": "go", "timeout_seconds": 0.05}


@KINDS
def test_send_then_time_out_the_commit_waits_and_the_message_goes_back(
    database: Database, tenant: UUID, kind: str
) -> None:
    session = _late(database, tenant, kind)
    with connect(database.worker) as first, connect(database.worker) as observer:
        with first.transaction():
            _send(kind)(first, tenant, session.task.workflow_run_id)
            second = Second(database.worker, lambda own: commit(own, [session.writes], WORKER))
            second.wait_until_blocked(observer, first)
        assert second.result().live == {session.task.task_id}
        assert (
            scalar(observer, "SELECT error ->> 'kind' FROM highway.checkpoint WHERE step_key = 'hear'")
            == "event_timeout"
        )
        assert _untaken(observer, kind) == 1
        _taken_later(database, observer, session, kind)


@KINDS
def test_time_out_then_send_the_sender_waits_and_finds_nobody(database: Database, tenant: UUID, kind: str) -> None:
    session = _late(database, tenant, kind)
    with connect(database.worker) as first, connect(database.worker) as observer:
        with first.transaction():
            assert commit(first, [session.writes], WORKER).live == {session.task.task_id}
            second = Second(database.worker, lambda own: _send(kind)(own, tenant, session.task.workflow_run_id))
            second.wait_until_blocked(observer, first)
        assert second.result()
        assert _untaken(observer, kind) == 1
        _taken_later(database, observer, session, kind)


def _taken_later(database: Database, observer: psycopg.Connection[Any], session: Session, kind: str) -> None:
    """The message is there for the next who waits for it, and nothing is stuck."""
    wait = wait_write(AwaitMessage("later", kind, "go"))  # type: ignore[arg-type]
    write(database.worker, TaskWrites(session.task, waits=[wait], exit=Suspended()))
    assert scalar(observer, "SELECT given ->> 'payload' FROM highway.wait WHERE step_key = 'later'") == "7"
    assert _untaken(observer, kind) == 0
    assert problems(database.worker) == []


def test_a_signal_that_goes_back_goes_to_a_branch_that_waits_for_it(database: Database, tenant: UUID) -> None:
    session = _late(database, tenant, "signal")
    with connect(database.worker) as own:
        write(database.worker, fork(session.task, "f.a"))
        (branch,) = take(database.worker)
        _send("signal")(own, tenant, session.task.workflow_run_id)
        write(
            database.worker,
            TaskWrites(branch, waits=[wait_write(AwaitMessage("other", "signal", "go"))], exit=Suspended()),
        )
        assert scalar(own, "SELECT taken_by FROM highway.signal") == "hear"
        write(database.worker, session.writes)
        assert scalar(own, "SELECT taken_by FROM highway.signal") == "f.a/other"
        assert scalar(own, "SELECT state FROM highway.task WHERE key = 'f.a'") == "pending"
        write(database.worker, TaskWrites(session.task, exit=HandedBack()))
    assert problems(database.worker) == []


def test_a_late_worker_s_time_out_takes_nothing_back(database: Database, tenant: UUID) -> None:
    session = _late(database, tenant, "signal")
    with connect(database.worker) as own:
        write(database.worker, TaskWrites(session.task, exit=HandedBack()))
        _send("signal")(own, tenant, session.task.workflow_run_id)
        assert write(database.worker, session.writes).stale == {session.task.task_id}
        assert scalar(own, "SELECT taken_by FROM highway.signal") == "hear"
        (again,) = take(database.worker)
        over = load_tasks(own, [again])[again.task_id].over[0]
        assert (over.timed_out, over.gives_back) == (False, False), "it is there: it was not late"


def test_a_limit_that_was_heard_stays_heard_for_whoever_enters_next(database: Database, tenant: UUID) -> None:
    session = _late(database, tenant, "signal")
    with connect(database.worker) as own:
        write(database.worker, TaskWrites(session.task, lapsed=["hear"], exit=HandedBack()))
        _send("signal")(own, tenant, session.task.workflow_run_id)
        assert _untaken(own, "signal") == 1
        (again,) = take(database.worker)
        assert load_tasks(own, [again])[again.task_id].over[0].timed_out
        write(database.worker, TaskWrites(again, exit=HandedBack()))
    assert problems(database.worker) == []


CODE = """
import time

def main(ctx):
    try:
        ctx.signal("go", timeout=0.05)
    except StepFailed as error:
        first = error.type
    time.sleep(1.5)
    return [first, ctx.signal("go", timeout=60)["payload"]]
"""


def test_what_comes_while_durable_code_goes_on_after_its_limit_is_for_its_next_wait(workers: Workers) -> None:
    workers.start()
    run = workers.submit(workflow(task("work", function="tools.code.durable", kwargs={"code": CODE})))
    workers.wait(run, lambda _: "work.signal go@1" in workers.steps(run))
    with connect(workers.database.web) as connection:
        _send("signal")(connection, workers.tenant, run)
    assert workers.finish(run).status == "completed"
    assert workers.result(run)["work"] == ["EventTimeout", 7]
