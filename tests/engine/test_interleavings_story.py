"""Entries of a story that are committed in another order than their numbers: nobody who reads on misses one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.queue.writes import Finished, TaskWrites
from engine.services.story import settle
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import WORKER, scalar, start, step, take, write

Session = psycopg.Connection[Any]


@contextmanager
def two_sessions(database: Database, tenant: UUID) -> Iterator[tuple[Session, Session, UUID]]:
    """A session that is late, one that looks and writes meanwhile, and a run."""
    with connect(database.worker) as late, connect(database.worker) as other:
        yield late, other, start(other, tenant)


def settle_up_to(connection: Session, number: int) -> None:
    """Move the mark until it is there: transactions of other databases of the server may hold it up for a moment."""
    until = time.monotonic() + 20
    while settle(connection, WORKER) < number:
        assert time.monotonic() < until, "the mark does not move"
        time.sleep(0.01)


def note(connection: Session, tenant: UUID, run: UUID, message: str) -> int:
    """One log line; its number."""
    return int(
        scalar(
            connection,
            "INSERT INTO highway.journal (tenant_id, workflow_run_id, kind, data) "
            "VALUES (%s, %s, 'log', jsonb_build_object('message', %s::text)) RETURNING seq",
            tenant,
            run,
            message,
        )
    )


def tail(connection: Session, tenant: UUID, run: UUID, after: int) -> tuple[list[str], int]:
    """What a reader sees behind a place, and the place to come back to."""
    settled = facade.story_settled(connection)
    lines = facade.list_logs(connection, tenant_id=tenant, workflow_run_id=run, after=after)
    place = facade.place_to_come_back_to(lines, after=after, settled=settled)
    return [str(line.data["message"]) for line in lines], place


def test_a_line_that_is_committed_late_is_read_by_who_comes_back(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (late, other, run):
        with late.transaction():
            first = note(late, tenant, run, "late")
            assert first < note(other, tenant, run, "early")
            settle(other, WORKER)
            seen, place = tail(other, tenant, run, 0)
            assert (seen, place < first) == (["early"], True), "its number is known, and not settled"
        assert tail(other, tenant, run, place)[0] == ["late", "early"]
        settle_up_to(other, first + 1)
        seen, place = tail(other, tenant, run, place)
        assert tail(other, tenant, run, place)[0] == [], "now both are settled and nothing comes twice"


def test_the_mark_passes_over_numbers_that_were_drawn_for_nothing(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (late, other, run):
        with late.transaction(force_rollback=True):
            drawn = note(late, tenant, run, "never")
        settle_up_to(other, drawn)


def test_the_mark_waits_for_the_oldest_writer_and_not_for_those_behind_it(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (oldest, other, run), connect(database.worker) as newer:
        with newer.transaction():
            with oldest.transaction():
                first = note(oldest, tenant, run, "a")
                settle(other, WORKER)
                note(newer, tenant, run, "b")
                settle(other, WORKER)
                assert facade.story_settled(other) < first
            settle_up_to(other, first)
            assert facade.story_settled(other) == first, "what was drawn before the newer one began is settled"
        settle_up_to(other, first + 1)


def test_a_writer_without_a_number_of_its_own_yet_is_waited_for_from_its_first_entry_on(
    database: Database, tenant: UUID
) -> None:
    with two_sessions(database, tenant) as (late, other, run):
        with late.transaction():
            scalar(late, "SELECT 1")  # it has begun, and nothing of it can be seen
            settled = note(other, tenant, run, "before")
            settle_up_to(other, settled)
            drawn = note(late, tenant, run, "behind")
            settle(other, WORKER)
            assert settled == facade.story_settled(other) < drawn
        assert tail(other, tenant, run, settled)[0] == ["behind"]


def test_readers_that_are_open_for_long_hold_nothing_up(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (reader, other, run), reader.transaction():
        scalar(reader, "SELECT count(*) FROM highway.journal")
        settle_up_to(other, note(other, tenant, run, "x"))


def test_two_who_move_the_mark_do_not_wait_for_each_other(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (first, other, run):
        drawn = note(other, tenant, run, "x")
        with first.transaction():
            settle(first, WORKER)
            other.execute("SET lock_timeout = '1ms'")
            settle(other, WORKER)
        settle_up_to(other, drawn)


def test_a_mark_is_never_moved_by_who_has_written_something(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (first, other, run), first.transaction(force_rollback=True):
        note(first, tenant, run, "x")
        with pytest.raises(StateError):
            settle(first, WORKER)
        assert facade.story_settled(other) == 0


def test_a_late_line_changes_the_tag(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (late, other, run):
        with late.transaction():
            note(late, tenant, run, "late")
            note(other, tenant, run, "early")
            before = facade.run_tag(other, tenant_id=tenant, workflow_run_id=run)
        assert facade.run_tag(other, tenant_id=tenant, workflow_run_id=run) != before


def test_a_late_step_and_a_late_signal_change_the_tag(database: Database, tenant: UUID) -> None:
    insert = {
        "checkpoint": "(tenant_id, workflow_run_id, scope, step_key, operator, outcome, started_at) "
        "VALUES (%s, %s, 'late', %s, 'task', 'succeeded', now())",
        "signal": "(tenant_id, workflow_run_id, name) VALUES (%s, %s, %s)",
    }
    with two_sessions(database, tenant) as (late, other, run):
        for table, values in insert.items():
            with late.transaction():
                for connection, name in ((late, "a"), (other, "b")):
                    connection.execute(f"INSERT INTO highway.{table} {values}", [tenant, run, name])  # type: ignore[arg-type]
                before = facade.run_tag(other, tenant_id=tenant, workflow_run_id=run)
            assert facade.run_tag(other, tenant_id=tenant, workflow_run_id=run) != before, table


def test_the_tag_of_a_run_at_rest_stays_while_others_write_and_the_mark_moves(database: Database, tenant: UUID) -> None:
    with two_sessions(database, tenant) as (_, other, run):
        (task,) = take(database.worker)
        write(database.worker, step(task, "a"))
        before = facade.run_tag(other, tenant_id=tenant, workflow_run_id=run)
        settle_up_to(other, note(other, tenant, start(other, tenant), "somewhere else"))
        assert facade.run_tag(other, tenant_id=tenant, workflow_run_id=run) == before
        write(database.worker, TaskWrites(task, exit=Finished("completed")))
    assert problems(database.worker) == []
