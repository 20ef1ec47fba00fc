"""Ticks that no policy keeps, limits that nobody uses, and children whose parent is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, StateError
from engine.model.upkeep import Retention
from engine.queue.writes import Finished, TaskWrites
from engine.services.retention import old_runs
from engine.services.tidying import old_ticks, tidied, unused_limits
from tests.support.databases import Database
from tests.support.flow import rate, slots
from tests.support.interleaving import Second, problems
from tests.support.meeting import Meeting, ending, writing
from tests.support.runs import scalar, start, take
from tests.support.schedules import make

OLD = timedelta(days=100)


def past_ticks(connection: psycopg.Connection[Any], tenant: UUID, quantity: int, *, outcome: str = "skipped") -> UUID:
    """A schedule with ticks of a hundred days ago, a minute apart."""
    schedule = make(connection, tenant, "@yearly", name=str(uuid4())).schedule_id
    connection.execute(
        "INSERT INTO highway.schedule_tick (tenant_id, schedule_id, tick_at, kind, outcome, workflow_run_id) "
        "SELECT %s, %s, now() - interval '100 days' + n * interval '1 minute', 'scheduled', %s, CASE WHEN %s = 'fired' THEN gen_random_uuid() END "
        "  FROM generate_series(1, %s) AS n",
        [tenant, schedule, outcome, outcome, quantity],
    )
    return schedule


def ticks(connection: psycopg.Connection[Any], schedule: UUID) -> int:
    """How many are known."""
    return int(scalar(connection, "SELECT count(*) FROM highway.schedule_tick WHERE schedule_id = %s", schedule))


def forgotten_to(connection: psycopg.Connection[Any], schedule: UUID) -> datetime:
    """Up to when nothing is known for sure."""
    found: datetime = scalar(connection, "SELECT forgotten_to FROM highway.schedule WHERE schedule_id = %s", schedule)
    return found


def test_ticks_older_than_any_run_is_kept_are_forgotten(database: Database, tenant: UUID, other_tenant: UUID) -> None:
    with connect(database.worker) as connection:
        mine, theirs = past_ticks(connection, tenant, 5), past_ticks(connection, other_tenant, 5)
        facade.set_retention(connection, tenant_id=other_tenant, policy=Retention(30, None))
        assert sum(old_ticks(connection)) == 5
        assert (ticks(connection, mine), ticks(connection, theirs)) == (0, 5), "what is kept for ever stays"
        assert forgotten_to(connection, theirs) is None


def test_even_for_ever_only_the_newest_are_kept(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        facade.set_retention(connection, tenant_id=tenant, policy=Retention(None, None))
        schedule = past_ticks(connection, tenant, 12)
        assert sum(old_ticks(connection, most=10)) == 2
        assert (ticks(connection, schedule), sum(old_ticks(connection, most=10))) == (10, 0)


def test_a_tick_stays_as_long_as_its_run_and_as_long_as_it_waits(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        schedule = past_ticks(connection, tenant, 2, outcome="fired")
        waiting = past_ticks(connection, tenant, 3, outcome="waiting")
        connection.execute(
            "UPDATE highway.schedule_tick SET outcome = 'waiting', workflow_run_id = NULL WHERE schedule_id = %s",
            [waiting],
        )
        run = start(connection, tenant)
        connection.execute(
            "INSERT INTO highway.schedule_tick (tenant_id, schedule_id, tick_at, kind, outcome, workflow_run_id) "
            "VALUES (%s, %s, now() - interval '99 days', 'scheduled', 'fired', %s)",
            [tenant, schedule, run],
        )
        assert sum(old_ticks(connection)) == 2
        assert (ticks(connection, schedule), ticks(connection, waiting)) == (1, 3)


def test_what_is_forgotten_is_not_fired_again(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        schedule = past_ticks(connection, tenant, 3, outcome="fired")
        sum(old_ticks(connection))
        last = forgotten_to(connection, schedule)
        which: dict[str, Any] = {
            "tenant_id": tenant,
            "schedule_id": schedule,
            "by": "ann",
            "end": last + timedelta(days=1),
        }
        for begin in (last - OLD, last):
            with pytest.raises(InvalidError, match="is not kept: begin later"):
                facade.backfill_schedule(connection, begin=begin, **which)
        assert facade.backfill_schedule(connection, begin=last + timedelta(seconds=1), **which).dry_run


def test_a_backfill_under_way_keeps_the_ticks_of_its_schedule(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as other:
        schedule = past_ticks(other, tenant, 3, outcome="fired")
        with first.transaction():
            facade.backfill_schedule(
                first,
                tenant_id=tenant,
                schedule_id=schedule,
                begin=scalar(first, "SELECT now() - interval '101 days'"),
                end=scalar(first, "SELECT now()"),
                by="ann",
            )
            assert sum(old_ticks(other)) == 0
        assert sum(old_ticks(other)) == 3


def test_a_deleted_schedule_goes_with_its_last_tick(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        schedule = past_ticks(connection, tenant, 2)
        facade.delete_schedule(connection, tenant_id=tenant, schedule_id=schedule)
        sum(old_ticks(connection))
        count = "SELECT count(*) FROM highway.schedule WHERE schedule_id = %s"
        assert scalar(connection, count, schedule) == 1, "it was deleted just now"
        connection.execute("UPDATE highway.schedule SET updated_at = now() - interval '100 days'")
        sum(old_ticks(connection))
        assert scalar(connection, count, schedule) == 0


def limits(connection: psycopg.Connection[Any]) -> set[str]:
    """The keys of all limits."""
    return {row[0] for row in connection.execute("SELECT key FROM highway.flow_limit")}


def test_limits_that_nobody_uses_are_forgotten_and_made_anew_by_the_next_use(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        for flow in (slots(1, "free"), slots(1, "held"), slots(1, "set"), rate(1, 60, "past"), rate(1, 9000, "lasts")):
            start(connection, tenant, flow=flow)
        tasks = take(database.worker)
        holder = scalar(connection, "SELECT task_id FROM highway.slot WHERE key = 'held'")
        done = [task for task in tasks if task.task_id != holder]
        Meeting(database, tenant).now(writing(*(TaskWrites(task, exit=Finished("completed")) for task in done)))
        facade.change_limit(connection, tenant_id=tenant, kind="concurrency", key="set", capacity=3, by="ann")
        assert sum(unused_limits(connection)) == 0, "they were used a moment ago"
        connection.execute("UPDATE highway.flow_limit SET created_at = now() - interval '2 days'")
        connection.execute("UPDATE highway.flow_limit SET starts = ARRAY[now() - interval '1 hour'] WHERE key = 'past'")
        assert sum(unused_limits(connection, idle_seconds=600)) == 2
        assert limits(connection) == {"held", "set", "lasts"}
        start(connection, tenant, flow=slots(1, "free"))
        assert [task.key for task in take(database.worker)] == [""]
        assert "free" in limits(connection)


def test_every_limit_is_looked_at_wherever_the_turn_begins(
    database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    query = (
        "INSERT INTO highway.flow_limit (tenant_id, kind, key, capacity, created_at) "
        "SELECT %s, 'concurrency', 'k' || n, 1, now() - interval '2 days' FROM generate_series(1, 700) AS n"
    )
    with connect(database.worker) as connection:
        for one in (tenant, other_tenant):
            connection.execute(query, [one])
        assert sum(unused_limits(connection, start=max(tenant, other_tenant))) == 1_400
        assert sum(tidied(connection)) == 0


def test_a_limit_under_which_somebody_is_claiming_is_passed_by(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as first, connect(database.worker) as other:
        start(other, tenant, flow=slots(1))
        old = "INSERT INTO highway.flow_limit (tenant_id, kind, key, capacity, created_at) VALUES (%s, 'concurrency', 'k', 1, now() - interval '2 days')"
        other.execute(old, [tenant])
        with first.transaction():
            assert len(Meeting(database, tenant).claiming(first)) == 0, "its queue is another one"
            first.execute("SELECT highway.hold_limits(ARRAY[%s], ARRAY[gate]) FROM highway.task", [tenant])
            assert sum(unused_limits(other)) == 0
        assert sum(unused_limits(other)) == 1


def test_a_claim_that_comes_while_its_limit_goes_makes_it_anew(database: Database, tenant: UUID) -> None:
    hold = "SELECT highway.hold_limits(ARRAY[%s], ARRAY[gate]) FROM highway.task"
    with connect(database.worker) as first, connect(database.worker) as observer:
        start(observer, tenant, flow=slots(1))
        observer.execute(
            "INSERT INTO highway.flow_limit (tenant_id, kind, key, capacity, created_at) "
            "VALUES (%s, 'concurrency', 'k', 1, now() - interval '2 days')",
            [tenant],
        )
        with first.transaction():
            assert sum(unused_limits(first)) == 1
            second = Second(database.worker, lambda own: own.execute(hold, [tenant]))  # type: ignore[arg-type]
            second.wait_until_blocked(observer, first)
        second.result()
        assert limits(observer) == {"k"}


def test_children_outlive_their_parent_as_runs_of_their_own(database: Database, tenant: UUID) -> None:
    meeting = Meeting(database, tenant)
    task, child = meeting.with_child()
    (claimed,) = meeting.take()
    meeting.now(writing(TaskWrites(claimed, exit=Finished("failed", error={"kind": "tool", "message": "no"}))))
    with pytest.raises(StateError, match="may still be read by its parent"):
        meeting.now(meeting.asking(facade.purge, child))
    meeting.now(writing(ending(task)))
    with connect(database.worker) as connection:
        for table in ("task", "workflow_run"):
            connection.execute(f"UPDATE highway.{table} SET finished_at = finished_at - interval '40 days'")  # type: ignore[arg-type]
        assert sum(old_runs(connection)) == 1, "completed ones are kept for thirty days, failed ones for ninety"
        run = facade.get_run(connection, tenant_id=tenant, workflow_run_id=child)
        assert run.parent_run_id is None
        assert facade.list_related(connection, tenant_id=tenant, workflow_run_id=child) == []
        facade.restart(connection, tenant_id=tenant, workflow_run_id=child, by="ann")
    assert meeting.state(child) == "pending"
    assert problems(database.worker) == []


def test_a_parent_of_an_open_child_cannot_be_purged(database: Database, tenant: UUID) -> None:
    meeting = Meeting(database, tenant)
    task, child = meeting.with_child()
    meeting.now(writing(ending(task)))
    with pytest.raises(StateError, match="a child of workflow run"):
        meeting.now(meeting.asking(facade.purge, task.task_id))
    (claimed,) = meeting.take()
    meeting.now(writing(ending(claimed)))
    meeting.now(meeting.asking(facade.purge, task.task_id))
    meeting.now(meeting.asking(facade.purge, child))
    assert meeting.value("SELECT count(*) FROM highway.task") == 0


def test_a_child_that_somebody_holds_keeps_its_parent_for_another_turn(database: Database, tenant: UUID) -> None:
    meeting = Meeting(database, tenant)
    task, child = meeting.with_child()
    (claimed,) = meeting.take()
    meeting.now(writing(TaskWrites(claimed, exit=Finished("failed", error={"kind": "tool", "message": "no"}))))
    meeting.now(writing(ending(task)))
    with connect(database.worker) as first, connect(database.worker) as other:
        for table in ("task", "workflow_run"):
            other.execute(f"UPDATE highway.{table} SET finished_at = finished_at - interval '40 days'")  # type: ignore[arg-type]
        with first.transaction():
            first.execute("SELECT FROM highway.task WHERE task_id = %s FOR NO KEY UPDATE", [child])
            assert sum(old_runs(other)) == 0
        assert sum(old_runs(other)) == 1
