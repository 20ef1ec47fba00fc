"""What people ask of a schedule: run now, backfill, preview, change, delete; and what its definition asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from engine.model.schedules import ScheduleView
from engine.services.cron import fire_due_ticks
from tests.support.databases import Database
from tests.support.runs import ONE_TASK, scalar
from tests.support.schedules import WORKER, clock, end_runs, history, make, now, outcomes, tick

Connection = psycopg.Connection[Any]
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def db(database: Database) -> Any:
    with connect(database.web) as connection:
        yield connection


def key(tenant: UUID, schedule: ScheduleView) -> dict[str, UUID]:
    return {"tenant_id": tenant, "schedule_id": schedule.schedule_id}


def test_run_now_fires_once_and_leaves_the_chain_alone(db: Connection, tenant: UUID) -> None:
    schedule = make(db, tenant, "0 2 * * *")
    fired = facade.run_schedule_now(db, **key(tenant, schedule), by="maria")
    assert (fired.kind, fired.outcome, fired.decided_by, fired.run_status) == ("manual", "fired", "maria", "pending")
    after = facade.get_schedule(db, **key(tenant, schedule))
    assert (after.next_at, after.last_at) == (schedule.next_at, schedule.last_at)
    with pytest.raises(facade.StateError, match="open; the overlap policy is skip"):
        facade.run_schedule_now(db, **key(tenant, schedule), by="maria")


def test_run_now_waits_where_the_policy_says_so_and_also_while_the_schedule_is_paused(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "0 2 * * *", overlap="buffer_all")
    facade.pause_schedule(db, **key(tenant, schedule), paused_by="maria")
    facade.run_schedule_now(db, **key(tenant, schedule), by="maria")
    waiting = facade.run_schedule_now(db, **key(tenant, schedule), by="maria")
    assert (waiting.outcome, waiting.workflow_run_id) == ("waiting", None)
    with connect(database.worker) as worker:
        assert fire_due_ticks(worker, WORKER) == 0
        end_runs(worker, tenant)
        assert fire_due_ticks(worker, WORKER) == 1
    assert outcomes(db, tenant, schedule) == ["fired", "fired"]


def test_a_backfill_counts_first_and_then_fires_what_has_not_fired(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "0 * * * *", overlap="allow")
    span = {"begin": MIDNIGHT, "end": MIDNIGHT + HOUR * 3}
    counted = facade.backfill_schedule(db, **key(tenant, schedule), **span, by="maria")
    assert (counted.dry_run, counted.count, counted.first_at, counted.last_at) == (
        True,
        4,
        MIDNIGHT,
        MIDNIGHT + HOUR * 3,
    )
    assert history(db, tenant, schedule) == []
    done = facade.backfill_schedule(db, **key(tenant, schedule), **span, by="maria", dry_run=False)
    assert len(done.run_ids) == 4
    again = facade.backfill_schedule(db, **key(tenant, schedule), **span, by="maria", dry_run=False)
    assert (again.count, again.already_fired, again.run_ids) == (0, 4, [])
    wider = facade.backfill_schedule(
        db, **key(tenant, schedule), begin=MIDNIGHT - HOUR, end=MIDNIGHT + HOUR, by="m", dry_run=False
    )
    assert (wider.count, wider.already_fired) == (1, 2)
    assert [one.tick_at for one in history(db, tenant, schedule)] == [MIDNIGHT + HOUR * n for n in range(-1, 4)]
    run = facade.get_run(db, tenant_id=tenant, workflow_run_id=done.run_ids[0])
    assert (run.inputs["ds"], run.attributes["tick_kind"]) == ("2026-03-01", "backfill")


def test_a_backfill_of_missed_ticks_fires_them_one_after_another(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "@every 1h", catchup="none")
    assert tick(database.worker, HOUR * 2.5) == 0
    assert outcomes(db, tenant, schedule) == ["missed", "missed"]
    with clock(database.web, HOUR * 2.6) as later:
        span = {"begin": schedule.anchor_at + HOUR * 0.5, "end": schedule.anchor_at + HOUR * 2.5}
        assert facade.backfill_schedule(later, **key(tenant, schedule), **span, by="m", dry_run=False).count == 2
    for expected in (["fired", "waiting"], ["fired", "fired"]):
        assert tick(database.worker, HOUR * 2.6) == 1
        assert outcomes(db, tenant, schedule) == expected
        with connect(database.worker) as worker:
            end_runs(worker, tenant)


@pytest.mark.parametrize(
    ("begin", "end", "why"),
    [
        (MIDNIGHT, MIDNIGHT - HOUR, "ends before it begins"),
        (MIDNIGHT, datetime(2100, 1, 1, tzinfo=UTC), "at the latest now"),
        (MIDNIGHT - HOUR * 24 * 365, MIDNIGHT, "more than 1000 ticks"),
    ],
)
def test_a_backfill_is_bounded(db: Connection, tenant: UUID, begin: datetime, end: datetime, why: str) -> None:
    schedule = make(db, tenant, "0 * * * *")
    with pytest.raises(facade.InvalidError, match=why):
        facade.backfill_schedule(db, **key(tenant, schedule), begin=begin, end=end, by="m", dry_run=False)
    assert history(db, tenant, schedule) == []


def test_the_next_times_are_shown_for_stored_schedules_and_for_drafts(db: Connection, tenant: UUID) -> None:
    schedule = make(db, tenant, "0 2 * * *", zone="Asia/Tokyo")
    times = facade.preview_schedule(db, **key(tenant, schedule), count=3)
    assert times[0] == schedule.next_at
    assert [time.hour for time in times] == [17, 17, 17]
    assert facade.preview_spec(db, spec=schedule.spec, count=3) == times
    with pytest.raises(facade.ScheduleRefusedError):
        facade.preview_spec(db, spec=make_spec(schedule, timing="nonsense"))


def make_spec(schedule: ScheduleView, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(schedule.spec, **changes)


def test_a_change_of_when_it_comes_counts_from_now(db: Connection, database: Database, tenant: UUID) -> None:
    schedule = make(db, tenant, "@every 1h", overlap="allow", catchup="all")
    with clock(database.web, HOUR * 3.5) as later:
        changed = facade.update_schedule(later, **key(tenant, schedule), changes={"timing": "@every 2h"})
        assert changed.last_at > schedule.anchor_at + HOUR * 3
        kept = facade.update_schedule(later, **key(tenant, schedule), changes={"priority": 5})
        assert (kept.next_at, kept.spec.priority) == (changed.next_at, 5)
    assert tick(database.worker, HOUR * 4.1) == 1


def test_names_are_unique_until_their_schedule_is_deleted(db: Connection, tenant: UUID, other_tenant: UUID) -> None:
    first, second = make(db, tenant), make(db, tenant, name="other")
    make(db, other_tenant)
    with pytest.raises(facade.StateError, match="already"):
        make(db, tenant)
    with pytest.raises(facade.StateError, match="already"):
        facade.update_schedule(db, **key(tenant, second), changes={"name": "nightly"})
    facade.delete_schedule(db, **key(tenant, first))
    facade.update_schedule(db, **key(tenant, second), changes={"name": "nightly"})
    with pytest.raises(facade.NotFoundError):
        facade.get_schedule(db, **key(tenant, first))
    assert [one.spec.name for one in facade.list_schedules(db, tenant_id=tenant)] == ["nightly"]


def test_a_deleted_schedule_comes_no_more_and_its_runs_stay(db: Connection, database: Database, tenant: UUID) -> None:
    schedule = make(db, tenant, overlap="buffer_all")
    for minute in (1.1, 2.1):
        tick(database.worker, timedelta(minutes=minute))
    facade.delete_schedule(db, **key(tenant, schedule))
    with connect(database.worker) as worker:
        end_runs(worker, tenant)
        assert scalar(worker, "SELECT count(*) FROM highway.workflow_run") == 1
        kept = worker.execute("SELECT outcome, reason FROM highway.schedule_tick ORDER BY tick_at").fetchall()
    assert kept == [("fired", ""), ("skipped", "the schedule was deleted")]
    assert tick(database.worker, HOUR) == 0


def test_another_tenants_schedule_is_not_there(db: Connection, tenant: UUID, other_tenant: UUID) -> None:
    schedule = make(db, tenant)
    who = {"tenant_id": other_tenant, "schedule_id": schedule.schedule_id}
    for ask in (
        lambda: facade.get_schedule(db, **who),
        lambda: facade.delete_schedule(db, **who),
        lambda: facade.pause_schedule(db, **who, paused_by="x"),
        lambda: facade.resume_schedule(db, **who),
        lambda: facade.update_schedule(db, **who, changes={}),
        lambda: facade.run_schedule_now(db, **who, by="x"),
        lambda: facade.preview_schedule(db, **who),
        lambda: facade.list_ticks(db, **who),
        lambda: facade.backfill_schedule(db, **who, begin=MIDNIGHT, end=MIDNIGHT, by="x"),
    ):
        with pytest.raises(facade.NotFoundError):
            ask()


def definition(**more: Any) -> JsonObject:
    return {**ONE_TASK, **more}


def register(db: Connection, tenant: UUID, **more: Any) -> ScheduleView | None:
    """Register a version; the schedule afterwards."""
    facade.register(db, tenant_id=tenant, definition=definition(**more))
    return next(iter(facade.list_schedules(db, tenant_id=tenant)), None)


def test_a_definition_with_a_schedule_makes_one_of_its_name(db: Connection, tenant: UUID) -> None:
    made = register(db, tenant, schedule="0 2 * * *", start_date="2026-01-01T00:00:00", catchup=True, tags=["x"])
    assert made is not None
    assert (made.spec.name, made.source, made.state) == ("one_task", "definition", "active")
    assert (made.spec.catchup, made.spec.overlap, made.spec.tags) == ("all", "buffer_all", ["x"])
    assert made.spec.starts_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_new_versions_change_end_and_revive_it(db: Connection, database: Database, tenant: UUID) -> None:
    first = register(db, tenant, schedule="0 2 * * *")
    changed = register(db, tenant, schedule="0 3 * * *", max_active_runs=3)
    ended = register(db, tenant, description="no schedule any more")
    revived = register(db, tenant, schedule="0 4 * * *")
    assert first
    assert changed
    assert ended
    assert revived
    assert first.schedule_id == changed.schedule_id == ended.schedule_id == revived.schedule_id
    assert (changed.spec.timing, changed.spec.overlap) == ("0 3 * * *", "allow")
    assert (ended.state, ended.due_at) == ("ended", None)
    assert (revived.state, revived.spec.timing) == ("active", "0 4 * * *")


def test_the_same_content_again_changes_nothing_that_people_did(db: Connection, tenant: UUID) -> None:
    made = register(db, tenant, schedule="0 2 * * *")
    assert made
    facade.delete_schedule(db, **key(tenant, made))
    assert register(db, tenant, schedule="0 2 * * *") is None


def test_pauses_of_definitions_and_of_people(db: Connection, tenant: UUID) -> None:
    made = register(db, tenant, schedule="0 2 * * *", is_paused=True)
    assert made
    assert (made.state, made.paused_by) == ("paused", "definition")
    resumed = register(db, tenant, schedule="0 2 * * *", is_paused=False)
    assert resumed
    assert resumed.state == "active"
    facade.pause_schedule(db, **key(tenant, made), paused_by="maria", reason="mine")
    kept = register(db, tenant, schedule="0 3 * * *")
    assert kept
    assert (kept.state, kept.paused_by, kept.pause_reason, kept.spec.timing) == ("paused", "maria", "mine", "0 3 * * *")


def test_a_schedule_that_people_made_under_the_name_is_left_alone(db: Connection, tenant: UUID) -> None:
    mine = make(db, tenant, "0 5 * * *", name="one_task")
    kept = register(db, tenant, schedule="0 2 * * *")
    assert kept
    assert (kept.schedule_id, kept.spec.timing, kept.source) == (mine.schedule_id, "0 5 * * *", "api")


def test_a_schedule_lives_and_dies_with_the_transaction_of_its_version(db: Connection, tenant: UUID) -> None:
    with pytest.raises(RuntimeError), db.transaction():
        assert register(db, tenant, schedule="0 2 * * *")
        raise RuntimeError
    assert facade.list_schedules(db, tenant_id=tenant) == []
    assert now(db)
