"""Retention, dead letters, payloads and search attributes when two sessions meet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotFoundError
from engine.model.commands import SetAttributes, StartChild
from engine.model.upkeep import LetterFilter
from engine.queue.commit import commit
from engine.queue.payloads import APART_BYTES
from engine.queue.writes import Finished, TaskWrites
from engine.services.doctor import repair
from engine.services.retention import old_runs, unreferenced_blobs
from tests.support.databases import Database
from tests.support.guards import letters
from tests.support.interleaving import Second, problems
from tests.support.retention import ended_run, is_there
from tests.support.runs import ONE_TASK, WORKER, scalar, start, states, step, take, write

DONE = Finished("completed")
LARGE = {"x": "x" * (APART_BYTES + 1)}


def test_a_run_that_is_being_retried_is_passed_by(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = ended_run(database, observer, tenant, days=40)
        with first.transaction():
            again = facade.retry(first, tenant_id=tenant, workflow_run_id=run)
            assert sum(old_runs(observer)) == 0
        assert sum(old_runs(observer)) == 1
        assert is_there(observer, again.workflow_run_id)
        assert not is_there(observer, run)


def test_a_retry_that_waits_for_the_forgetting_finds_no_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = ended_run(database, observer, tenant, days=40)
        with first.transaction():
            assert sum(old_runs(first)) == 1
            second = Second(database.worker, lambda own: facade.retry(own, tenant_id=tenant, workflow_run_id=run))
            second.wait_until_blocked(observer, first)
        assert isinstance(second.result(), NotFoundError)


def test_inputs_that_are_copied_while_their_run_is_forgotten_stay(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant, inputs=LARGE)
        write(database.worker, TaskWrites(take(database.worker)[0], exit=DONE))
        observer.execute("UPDATE highway.workflow_run SET finished_at = current_date - 40")
        observer.execute("UPDATE highway.task SET finished_at = current_date - 40")
        with first.transaction():
            again = facade.retry(first, tenant_id=tenant, workflow_run_id=run).workflow_run_id
            assert (sum(old_runs(observer)), sum(unreferenced_blobs(observer))) == (0, 0)
        assert (sum(old_runs(observer)), sum(unreferenced_blobs(observer))) == (1, 0)
        (digest,) = _digests(observer, again)
        assert facade.get_payload(observer, tenant_id=tenant, workflow_run_id=again, sha256=digest)


def _digests(connection: psycopg.Connection[Any], run: UUID) -> list[str]:
    rows = connection.execute("SELECT sha256 FROM highway.blob_reference WHERE workflow_run_id = %s", [run])
    return [row[0] for row in rows]


def test_a_run_that_is_held_by_anybody_is_left_for_another_turn(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        held, free = (ended_run(database, observer, tenant, days=40) for _ in range(2))
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [held])
            assert sum(old_runs(observer)) == 1
        assert [is_there(observer, run) for run in (held, free)] == [True, False]


def test_two_who_forget_share_the_work_and_count_each_run_once(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        for _ in range(3):
            ended_run(database, observer, tenant, days=40)
        with first.transaction():
            assert first.execute("SELECT highway.forget_old_runs(%s, 2)", [tenant]).fetchone() == (2,)
            assert observer.execute("SELECT highway.forget_old_runs(%s, 3)", [tenant]).fetchone() == (1,)
        assert scalar(observer, "SELECT count(*) FROM highway.workflow_run") == 0


def test_a_child_that_starts_while_runs_are_forgotten_keeps_its_parent(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        old = ended_run(database, observer, tenant, days=40)
        parent = start(observer, tenant)
        (task,) = take(database.worker)
        asked = [StartChild("call", "call", {}, workflow_name=str(ONE_TASK["name"]))]
        with first.transaction():
            started = commit(first, [TaskWrites(task, children=asked)], WORKER).children
            assert sum(old_runs(observer)) == 1, "it waits for nobody"
        child = started[parent, "call"]
        assert [is_there(observer, run) for run in (old, parent, child) if run] == [False, True, True]


def test_an_event_for_a_run_that_is_forgotten_meanwhile_is_refused(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = ended_run(database, observer, tenant, days=40)
        with first.transaction():
            assert sum(old_runs(first)) == 1
            second = Second(
                database.worker,
                lambda own: facade.set_attributes(own, tenant_id=tenant, workflow_run_id=run, attributes={"a": 1}),
            )
            second.wait_until_blocked(observer, first)
        assert isinstance(second.result(), NotFoundError)
        with pytest.raises(NotFoundError):
            facade.emit_event(observer, tenant_id=tenant, workflow_run_id=run, name="go")


def _letter(database: Database, connection: psycopg.Connection[Any], tenant: UUID) -> UUID:
    start(connection, tenant)
    error = {"kind": "poison", "message": "no"}
    write(database.worker, TaskWrites(take(database.worker)[0], exit=Finished("failed", error=error)))  # type: ignore[arg-type]
    return letters(connection, tenant)[0].dead_letter_id


def test_a_letter_that_two_requeue_at_once_starts_one_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        which = {"tenant_id": tenant, "dead_letter_id": _letter(database, observer, tenant)}
        with first.transaction():
            started = facade.requeue_dead_letter(first, **which, by="ann")
            second = Second(database.worker, lambda own: facade.requeue_dead_letter(own, **which, by="bob"))
            second.wait_until_blocked(observer, first)
        assert second.result() == started
        assert scalar(observer, "SELECT count(*) FROM highway.workflow_run WHERE retry_of IS NOT NULL") == 1


def test_a_requeue_that_rolls_back_leaves_the_letter_to_the_other(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        which = {"tenant_id": tenant, "dead_letter_id": _letter(database, observer, tenant)}
        with first.transaction(force_rollback=True):
            facade.requeue_dead_letter(first, **which)
            second = Second(database.worker, lambda own: facade.requeue_dead_letter(own, **which, by="bob"))
            second.wait_until_blocked(observer, first)
        assert is_there(observer, second.result())
        assert facade.get_dead_letter(observer, **which).requeued_by == "bob"


def test_a_purge_that_waits_for_a_requeue_takes_the_letter_and_leaves_the_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        which = {"tenant_id": tenant, "dead_letter_id": _letter(database, observer, tenant)}
        with first.transaction():
            started = facade.requeue_dead_letter(first, **which)
            second = Second(database.worker, lambda own: facade.purge_dead_letter(own, **which))
            second.wait_until_blocked(observer, first)
        assert second.result() is None
        assert is_there(observer, started)
        assert letters(observer, tenant) == []


def test_a_requeue_that_waits_for_a_purge_finds_no_letter(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        which = {"tenant_id": tenant, "dead_letter_id": _letter(database, observer, tenant)}
        with first.transaction():
            facade.purge_dead_letter(first, **which)
            second = Second(database.worker, lambda own: facade.requeue_dead_letter(own, **which))
            second.wait_until_blocked(observer, first)
        assert isinstance(second.result(), NotFoundError)


def test_a_purge_of_many_passes_by_a_letter_that_is_being_requeued(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        held, _ = (_letter(database, observer, tenant) for _ in range(2))
        with first.transaction():
            facade.requeue_dead_letter(first, tenant_id=tenant, dead_letter_id=held)
            assert facade.purge_dead_letters(observer, tenant_id=tenant, chosen=LetterFilter()) == 1
        assert [letter.dead_letter_id for letter in letters(observer, tenant)] == [held]


def _unreferred_blob(connection: psycopg.Connection[Any], tenant: UUID) -> None:
    run = start(connection, tenant, inputs=LARGE)
    connection.execute("SELECT highway.forget_runs(%s, %s)", [tenant, [run]])
    assert scalar(connection, "SELECT count(*) FROM highway.blob") == 1


def test_a_payload_that_is_being_referred_to_is_not_collected(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        _unreferred_blob(observer, tenant)
        with first.transaction():
            run = start(first, tenant, inputs=LARGE)
            assert sum(unreferenced_blobs(observer)) == 0
        assert sum(unreferenced_blobs(observer)) == 0
        assert len(_digests(observer, run)) == 1


def test_a_payload_that_is_put_while_it_is_collected_is_stored_anew(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        start(observer, tenant)
        _unreferred_blob(observer, tenant)
        with first.transaction():
            assert sum(unreferenced_blobs(first)) == 1
            second = Second(database.worker, lambda own: start(own, tenant, inputs=LARGE))
            second.wait_until_blocked(observer, first)
        (digest,) = _digests(observer, second.result())
        assert facade.get_payload(observer, tenant_id=tenant, workflow_run_id=second.result(), sha256=digest)


def test_two_runs_that_put_one_content_at_once_share_it(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        start(observer, tenant)
        with first.transaction():
            one = start(first, tenant, inputs=LARGE)
            second = Second(database.worker, lambda own: start(own, tenant, inputs=LARGE))
            second.wait_until_blocked(observer, first)
        assert _digests(observer, one) == _digests(observer, second.result())
        assert scalar(observer, "SELECT count(*) FROM highway.blob") == 1


def test_two_collectors_collect_each_payload_once(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        _unreferred_blob(observer, tenant)
        with first.transaction():
            assert sum(unreferenced_blobs(first)) == 1
            assert sum(unreferenced_blobs(observer)) == 0
        assert scalar(observer, "SELECT count(*) FROM highway.blob") == 0


def test_attributes_that_two_set_at_once_are_both_kept(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        (task,) = take(database.worker)
        with first.transaction():
            commit(
                first,
                [TaskWrites(task, attributes=[SetAttributes("s", {"a": 1})], records=step(task, "s").records)],
                WORKER,
            )
            second = Second(
                database.worker,
                lambda own: facade.set_attributes(own, tenant_id=tenant, workflow_run_id=run, attributes={"b": 2}),
            )
            second.wait_until_blocked(observer, first)
        assert second.result() == {"a": 1, "b": 2}


def test_a_repair_passes_by_a_task_that_is_busy_and_leaves_one_that_has_moved_on(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as first, connect(database.worker) as observer:
        run = start(observer, tenant)
        observer.execute("UPDATE highway.task SET state = 'sleeping', available_at = NULL")
        with first.transaction():
            first.execute("UPDATE highway.task SET state = 'pending', available_at = now()")
            assert repair(observer, grace_seconds=0) == 0
        assert repair(observer, grace_seconds=0) == 0
        assert states(observer, run) == {"": "pending"}
        assert problems(database.worker) == []
