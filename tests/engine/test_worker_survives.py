"""What must not hurt a worker: held rows, bad values, claims that it does not know of, answers that come too late."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import connect
from engine.model.commands import CallTool
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.orchestrator.session import Session
from engine.queue.writes import TaskWrites
from engine.worker.calls import TRANSACTION_TRIES
from engine.worker.holding import look_up
from tests.engine.control_steps import allow, gate
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import WORKER, scalar, start, states, take
from tests.support.workers import Workers


def _shell(command: str) -> dict[str, Any]:
    only = {"task_id": "only", "operator_type": "task", "function": "tools.shell.run", "args": [command]}
    return {"name": "example", "start_task": "only", "tasks": {"only": only}}


def _wait_for(workers: Workers, query: str, *parameters: Any) -> Any:
    with connect(workers.database.worker) as connection:
        until = time.monotonic() + 30
        while not (value := scalar(connection, query, *parameters)):
            assert time.monotonic() < until, f"{query}\n{workers.log()}"
            time.sleep(0.02)
    return value


def test_a_claim_that_its_living_worker_does_not_know_of_is_let_go(workers: Workers) -> None:
    process = workers.start()
    worker_id = _wait_for(workers, "SELECT worker_id FROM highway.worker")
    run = workers.submit(_shell("true"), delay_seconds=60)
    with connect(workers.database.worker) as connection:
        connection.execute(
            "UPDATE highway.task SET state = 'running', claimed_by = %s, claimed_at = now(), epoch = 1 WHERE task_id = %s",
            [worker_id, run],
        )
    assert workers.finish(run).status == "completed"
    assert process.poll() is None


def test_a_lost_claim_whose_row_somebody_holds_is_let_go_later(database: Database, tenant: UUID) -> None:
    with connect(database.worker, lock_seconds=0.1) as connection, connect(database.worker) as holder:
        run = start(connection, tenant)
        take(database.worker)
        with holder.transaction():
            holder.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [run])
            assert look_up(connection, WORKER, {}) == []
            assert states(holder, run) == {"": "running"}
        assert look_up(connection, WORKER, {}) == []
        assert states(connection, run) == {"": "sleeping"}


def test_a_row_that_somebody_holds_delays_its_own_run_and_no_other(workers: Workers) -> None:
    workers.start()
    held = workers.submit(_shell(gate(workers.folder, "held")))
    workers.wait_for(workers.folder / "held.began")
    with connect(workers.database.worker) as holder, holder.transaction():
        holder.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [held])
        allow(workers.folder, "held")
        began = time.monotonic()
        while time.monotonic() - began < 3:
            assert workers.finish(workers.submit(_shell("true"))).status == "completed"
        assert workers.run(held).status == "running"
    assert workers.finish(held).status == "completed"
    assert workers.run(held).attempt == 1, "it was neither failed nor begun anew"


def test_an_error_message_with_bytes_that_cannot_be_stored_fails_its_step_and_nothing_else(workers: Workers) -> None:
    process = workers.start()
    run = workers.submit(_shell(r"printf 'a\000b\355\240\200' >&2; exit 3"))
    ended = workers.finish(run)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["kind"] == "tool"
    assert workers.finish(workers.submit(_shell("true"))).status == "completed"
    assert process.poll() is None
    assert ended.attempt == 1


def _task() -> ClaimedTask:
    names: dict[str, Any] = dict.fromkeys(ClaimedTask.__dataclass_fields__)
    return ClaimedTask(**names | {"task_id": uuid4(), "tenant_id": UUID(int=1), "created_at": datetime.now(UTC)})


def test_the_late_answer_of_an_attempt_is_not_taken_for_the_next_one_s() -> None:
    task = _task()
    session = Session(task, None, TaskWrites(task), {})
    session.calls = [CallTool("flaky", "flaky", "tools.shell.run", [], {}, attempt=2)]
    assert not session.awaits("flaky", 2), "it has not started"
    session.start_calls()
    assert session.awaits("flaky", 2)
    assert not session.awaits("flaky", 1), "the first attempt timed out; what it still says is nobody's"


def test_a_step_whose_transaction_does_not_go_through_rests_and_fails_nothing(workers: Workers) -> None:
    """As with a full disk: 1 the step's own work is refused, each of its tries at once, 2 it rests, 3 the reason passes, 4 it is done once."""
    workers.start()
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE public.refused")  # a sequence remembers what was rolled back
        connection.execute("GRANT USAGE ON SEQUENCE public.refused TO app_worker")
        connection.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM nextval('public.refused'); RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON highway.counter EXECUTE FUNCTION public.refuse()")
        only = {"task_id": "only", "operator_type": "task", "function": "tools.simple_counter.increment", "args": ["n"]}
        run = workers.submit({"name": "example", "start_task": "only", "tasks": {"only": only}})
        _wait_for(workers, f"SELECT coalesce(pg_sequence_last_value('public.refused'), 0) > {TRANSACTION_TRIES}")
        assert workers.run(run).status == "running"
        assert workers.finish(workers.submit(_shell("true"))).status == "completed", "others go on"
        connection.execute("DROP TRIGGER refuse ON highway.counter")
        ended = workers.finish(run)
        assert (ended.status, ended.attempt) == ("completed", 1)
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'n'") == 1


COUNTING = {
    "a transactional tool": {"function": "tools.simple_counter.increment", "args": ["n"]},
    "durable code": {
        "function": "tools.code.durable",
        "kwargs": {"code": "def main(ctx):\n    with ctx.transaction('count') as tx:\n        tx.counter_add('n')\n"},
    },
}


@pytest.mark.parametrize("counting", COUNTING.values(), ids=COUNTING)
def test_a_step_whose_connection_is_killed_in_the_middle_of_its_transaction_is_done_again_and_fails_nothing(
    workers: Workers, counting: JsonObject
) -> None:
    """1 the step's own work waits for a lock, 2 its backend is killed, 3 the lock is given up, 4 it is done once, as the same attempt."""
    workers.start()
    waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted"
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock(4712); RETURN NEW; END'"
        )
        connection.execute(
            "CREATE TRIGGER wait BEFORE INSERT ON highway.counter FOR EACH ROW EXECUTE FUNCTION public.wait()"
        )
        connection.execute("SELECT pg_advisory_lock(4712)")
        only = {"task_id": "only", "operator_type": "task", **counting}
        run = workers.submit({"name": "example", "start_task": "only", "tasks": {"only": only}})
        assert scalar(connection, "SELECT pg_terminate_backend(%s)", _wait_for(workers, waiting))
        connection.execute("SELECT pg_advisory_unlock(4712)")
        ended = workers.finish(run)
        assert (ended.status, ended.attempt) == ("completed", 1), "the worker has let go of nothing else"
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'n'") == 1
    assert workers.steps(run)["only"].attempt == 1
    assert problems(workers.database.worker) == []
