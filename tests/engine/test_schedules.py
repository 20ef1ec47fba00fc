"""What becomes of a schedule's ticks: policies, pauses, troubles. Time is moved, nobody sleeps."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.schedules import ScheduleSpec
from engine.services.cron import check_chains, fire_due_ticks
from engine.services.doctor import look_for_stuck_tasks
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, scalar, take
from tests.support.schedules import (
    WORKER,
    clock,
    end_runs,
    history,
    in_trouble,
    make,
    move,
    now,
    outcomes,
    tick,
)

Connection = psycopg.Connection[Any]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TWO_TASKS = {**ONE_TASK, "description": "another version"}


@pytest.fixture
def db(database: Database) -> Any:
    with connect(database.worker) as connection:
        yield connection
    assert problems(database.worker) == []


def test_a_tick_starts_one_run_that_knows_its_schedule_and_its_time(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(
        db, tenant, inputs={"day": "{{ds}}", "at": "run of {{ scheduled_time }}"}, zone="Asia/Tokyo", tags=["x"]
    )
    assert tick(database.worker, MINUTE * 0.5) == 0, "not yet"
    assert tick(database.worker, MINUTE * 1.5) == 1
    assert tick(database.worker, MINUTE * 1.5) == 0
    (fired,) = history(db, tenant, schedule)
    assert fired.tick_at == schedule.anchor_at + MINUTE == schedule.next_at
    run = facade.get_run(db, tenant_id=tenant, workflow_run_id=fired.workflow_run_id)
    assert (run.trigger, run.triggered_by, run.tags) == ("schedule", "nightly", ["x"])
    assert run.attributes["schedule_id"] == str(schedule.schedule_id)
    assert datetime.fromisoformat(str(run.attributes["tick"])) == fired.tick_at
    assert datetime.fromisoformat(str(run.inputs["scheduled_time"])) == fired.tick_at
    assert str(run.inputs["scheduled_time"]).endswith("+09:00")
    assert run.inputs["day"] == run.inputs["ds"] == str(run.inputs["scheduled_time"])[:10]
    assert run.inputs["at"] == f"run of {run.inputs['scheduled_time']}"


def test_the_newest_version_runs_unless_one_is_pinned(db: Connection, database: Database, tenant: UUID) -> None:
    first = facade.register(db, tenant_id=tenant, definition=ONE_TASK)
    newest = make(db, tenant, overlap="allow")
    pinned = make(db, tenant, name="pinned", definition_id=first.definition_id)
    facade.register(db, tenant_id=tenant, definition=TWO_TASKS)
    assert tick(database.worker, MINUTE * 1.5) == 2
    versions = []
    for schedule in (newest, pinned):
        (fired,) = history(db, tenant, schedule)
        versions.append(facade.get_run(db, tenant_id=tenant, workflow_run_id=fired.workflow_run_id).version)
    assert versions == [2, 1]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("allow", ["fired"] * 4),
        ("skip", ["fired", "skipped", "skipped", "skipped"]),
        ("buffer_one", ["fired", "waiting", "skipped", "skipped"]),
        ("buffer_all", ["fired", "waiting", "waiting", "waiting"]),
        ("cancel_other", ["fired"] * 4),
    ],
)
def test_overlap_policies(db: Connection, database: Database, tenant: UUID, overlap: str, expected: list[str]) -> None:
    schedule = make(db, tenant, overlap=overlap)
    for minute in (1, 2, 3, 4):
        tick(database.worker, MINUTE * (minute + 0.2))
    assert outcomes(db, tenant, schedule) == expected
    cancelled = scalar(db, "SELECT count(*) FROM highway.workflow_run WHERE status = 'cancelled'")
    assert cancelled == (3 if overlap == "cancel_other" else 0)


def test_waiting_ticks_go_one_by_one_when_the_run_before_has_ended(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, overlap="buffer_all", ends_at=now(db) + MINUTE * 3.5)
    for minute in (1, 2, 3):
        tick(database.worker, MINUTE * (minute + 0.2))
    assert outcomes(db, tenant, schedule) == ["fired", "waiting", "waiting"]
    assert facade.get_schedule(db, tenant_id=tenant, schedule_id=schedule.schedule_id).state == "ended"
    assert end_runs(db, tenant) == 1
    assert fire_due_ticks(db, WORKER) == 1
    assert fire_due_ticks(db, WORKER) == 0, "one at a time"
    assert outcomes(db, tenant, schedule) == ["fired", "fired", "waiting"]
    assert end_runs(db, tenant) == 1
    assert fire_due_ticks(db, WORKER) == 1
    assert outcomes(db, tenant, schedule) == ["fired"] * 3


@pytest.mark.parametrize(
    ("policy", "fired"),
    [
        ({"catchup": "none"}, [10]),
        ({"catchup": "last"}, [10]),
        ({"catchup": "all"}, list(range(1, 11))),
        ({"catchup": "all", "catchup_limit": 3}, [8, 9, 10]),
        ({"catchup": "all", "catchup_seconds": 299.0}, [6, 7, 8, 9, 10]),
    ],
)
def test_catch_up_policies_after_ten_minutes_without_a_scheduler(
    db: Connection, database: Database, tenant: UUID, policy: dict[str, Any], fired: list[int]
) -> None:
    schedule = make(db, tenant, overlap="allow", **policy)
    assert tick(database.worker, MINUTE * 10 + timedelta(seconds=1)) == len(fired)
    found = history(db, tenant, schedule)
    assert [one.tick_at for one in found] == [schedule.anchor_at + MINUTE * n for n in range(1, 11)], "each has a row"
    assert [(one.tick_at - schedule.anchor_at) // MINUTE for one in found if one.outcome == "fired"] == fired
    assert {one.outcome for one in found} <= {"fired", "missed"}


def test_a_tick_that_is_long_past_is_caught_up_only_where_the_policy_wants_it(
    db: Connection, database: Database, tenant: UUID
) -> None:
    none, last = make(db, tenant, "@every 1h", catchup="none"), make(db, tenant, "@every 1h", name="b", catchup="last")
    assert tick(database.worker, HOUR * 2.5) == 1
    assert outcomes(db, tenant, none) == ["missed", "missed"]
    assert outcomes(db, tenant, last) == ["missed", "fired"]


def test_a_very_long_time_without_a_scheduler_is_worked_off_in_pieces(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "@every 1s", overlap="allow", catchup="all", catchup_limit=40)
    with clock(database.worker, timedelta(seconds=1800.5)) as later:
        while facade.get_schedule(later, tenant_id=tenant, schedule_id=schedule.schedule_id).due_at <= now(later):  # type: ignore[operator]
            fire_due_ticks(later, WORKER)
    seconds = {
        round((one.tick_at - schedule.anchor_at).total_seconds()): one.outcome for one in history(db, tenant, schedule)
    }
    assert list(seconds) == list(range(1, len(seconds) + 1)), "each has a row"
    assert {seconds[second] for second in range(1, 1700)} == {"missed"}
    assert {seconds[second] for second in range(1760, 1800)} == {"fired"}


def test_one_schedule_with_much_to_catch_up_does_not_hold_up_the_others(
    db: Connection, database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(db, tenant, "@every 1s", overlap="skip")
    other = make(db, tenant, "@every 6h", name="other")
    a_second_a_look = SimpleNamespace(monotonic=partial(next, itertools.count()))
    monkeypatch.setattr("engine.services.cron.time", a_second_a_look)
    monkeypatch.setattr("engine.services.cron.MOST_SECONDS", 5)  # four decisions
    tick(database.worker, timedelta(hours=6, minutes=1))
    assert outcomes(db, tenant, other) == ["fired"]


def test_a_paused_schedule_rests_and_catches_up_when_it_is_resumed(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "@every 1h", overlap="allow", catchup="all")
    who = {"tenant_id": tenant, "schedule_id": schedule.schedule_id}
    paused = facade.pause_schedule(db, **who, paused_by="maria", reason="month end")
    assert (paused.state, paused.paused_by, paused.pause_reason) == ("paused", "maria", "month end")
    assert tick(database.worker, HOUR * 3.5) == 0
    assert in_trouble(database.worker, HOUR * 3.5) == []
    resumed = facade.resume_schedule(db, **who)
    assert (resumed.state, resumed.paused_by, resumed.next_at) == ("active", None, schedule.next_at)
    assert tick(database.worker, HOUR * 3.5) == 3
    with pytest.raises(facade.StateError, match="only a paused one"):
        facade.resume_schedule(db, **who)


def test_a_schedule_keeps_to_its_start_and_end_and_then_has_ended(
    db: Connection, database: Database, tenant: UUID
) -> None:
    begin = now(db) + HOUR
    schedule = make(
        db, tenant, "@every 10m", overlap="allow", catchup="all", starts_at=begin, ends_at=begin + MINUTE * 25
    )
    assert schedule.next_at == begin
    assert tick(database.worker, HOUR * 9) == 3
    assert [one.tick_at for one in history(db, tenant, schedule)] == [begin + MINUTE * n for n in (0, 10, 20)]
    ended = facade.get_schedule(db, tenant_id=tenant, schedule_id=schedule.schedule_id)
    assert (ended.state, ended.next_at, ended.runs) == ("ended", None, 3)
    assert in_trouble(database.worker, HOUR * 10) == []


def test_a_start_in_the_past_is_caught_up_by_those_that_catch_up_all(
    db: Connection, database: Database, tenant: UUID
) -> None:
    begin = now(db) - HOUR * 3.5
    one = make(db, tenant, "@every 1h", overlap="allow", catchup="all", starts_at=begin)
    two = make(db, tenant, "@every 1h", name="two", overlap="allow", starts_at=begin)
    assert tick(database.worker, timedelta()) == 4
    assert outcomes(db, tenant, one) == ["fired"] * 4
    assert outcomes(db, tenant, two) == []


def test_jitter_is_the_same_for_everybody_and_ticks_keep_their_times(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "@every 1h", jitter_seconds=1800)
    assert schedule.next_at is not None
    assert schedule.due_at is not None
    assert schedule.next_at < schedule.due_at < schedule.next_at + MINUTE * 30
    wait = schedule.due_at - schedule.anchor_at
    assert tick(database.worker, wait - MINUTE) == 0
    assert tick(database.worker, wait + MINUTE) == 1
    (fired,) = history(db, tenant, schedule)
    assert fired.tick_at == schedule.next_at


def test_a_workflow_that_is_gone_fails_its_ticks_and_the_chain_goes_on(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant)
    with psycopg.connect(database.superuser, autocommit=True) as owner:
        owner.execute("DELETE FROM highway.workflow_definition")
    assert tick(database.worker, MINUTE * 1.2) == 0
    (failed,) = history(db, tenant, schedule)
    assert (failed.outcome, failed.reason) == ("failed", "there is no workflow 'one_task'")
    facade.register(db, tenant_id=tenant, definition=ONE_TASK)
    assert tick(database.worker, MINUTE * 2.2) == 1
    assert outcomes(db, tenant, schedule) == ["failed", "fired"]


@pytest.mark.parametrize(("column", "value"), [("zone", "Mars/Phobos"), ("timing", "every full moon")])
def test_a_timing_that_cannot_be_read_any_more_is_shouted_about_and_comes_back(
    db: Connection, database: Database, tenant: UUID, column: str, value: str
) -> None:
    schedule, other = make(db, tenant, "@every 1h"), make(db, tenant, "@every 1h", name="other")
    before = scalar(db, f"SELECT {column} FROM highway.schedule WHERE name = 'nightly'")
    db.execute(f"UPDATE highway.schedule SET {column} = %s WHERE name = 'nightly'", [value])  # type: ignore[arg-type]
    assert tick(database.worker, HOUR * 1.1) == 1, "the other one"
    assert outcomes(db, tenant, other) == ["fired"]
    assert outcomes(db, tenant, schedule) == ["failed"]
    (problem,) = in_trouble(database.worker)
    assert value in problem
    db.execute(f"UPDATE highway.schedule SET {column} = %s WHERE name = 'nightly'", [before])  # type: ignore[arg-type]
    end_runs(db, tenant)
    assert tick(database.worker, HOUR * 2.1) == 2
    assert in_trouble(database.worker, HOUR * 2.1) == []


def test_whatever_goes_wrong_with_one_schedule_the_others_go_on(
    db: Connection, database: Database, tenant: UUID
) -> None:
    make(db, tenant, name="bad", catchup="all")
    good = make(db, tenant, name="good")
    with psycopg.connect(database.superuser, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN IF NEW.name = 'bad' AND NEW.last_at > OLD.last_at THEN PERFORM 1 / 0; END IF; RETURN NEW; END$$"
        )
        owner.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON highway.schedule FOR EACH ROW EXECUTE FUNCTION public.refuse()"
        )
    assert tick(database.worker, MINUTE * 1.2) >= 1
    assert outcomes(db, tenant, good) == ["fired"]
    assert scalar(db, "SELECT count(*) FROM highway.workflow_run") == 1, "what was begun for the bad one is undone"
    assert in_trouble(database.worker) == ["division by zero"]
    with psycopg.connect(database.superuser, autocommit=True) as owner:
        owner.execute("DROP TRIGGER refuse ON highway.schedule")
    end_runs(db, tenant)
    assert tick(database.worker, MINUTE * 3.3) == 2
    bad = scalar(db, "SELECT count(*) FROM highway.workflow_run WHERE triggered_by = 'bad'")
    assert bad == 1, "the policy skips what would overlap"
    assert in_trouble(database.worker, MINUTE * 3.3) == []


def test_a_schedule_pauses_itself_after_failures_in_a_row(db: Connection, database: Database, tenant: UUID) -> None:
    schedule = make(db, tenant, max_failures=2)
    for minute, state in ((1, "failed"), (2, "completed"), (3, "failed"), (4, "failed")):
        assert tick(database.worker, MINUTE * (minute + 0.1)) == 1
        end_runs(db, tenant, state)
    assert tick(database.worker, MINUTE * 5.1) == 0
    paused = facade.get_schedule(db, tenant_id=tenant, schedule_id=schedule.schedule_id)
    assert (paused.state, paused.paused_by, paused.pause_reason) == ("paused", "highway", "2 failed runs in a row")
    assert paused.last_error == "it broke"
    with clock(database.worker, MINUTE * 5.2) as later:
        facade.resume_schedule(later, tenant_id=tenant, schedule_id=schedule.schedule_id)
    assert tick(database.worker, MINUTE * 5.3) == 1, "old failures do not count after it was resumed"


def test_runs_that_continue_each_other_fail_as_the_last_of_them(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, max_failures=1, overlap="skip")
    assert tick(database.worker, MINUTE * 1.1) == 1
    (first,) = take(database.worker)
    db.execute("SELECT highway.continue_run(%s, %s, %s, '{}')", [tenant, first.task_id, first.epoch])
    db.execute("UPDATE highway.task SET state = 'completed', claimed_by = NULL WHERE task_id = %s", [first.task_id])
    assert tick(database.worker, MINUTE * 2.1) == 0, "the chain is still open"
    assert end_runs(db, tenant, "failed") == 1
    (seen, _) = history(db, tenant, schedule)
    assert (seen.workflow_run_id, seen.run_status) == (first.workflow_run_id, "failed")
    assert tick(database.worker, MINUTE * 3.1) == 0
    paused = facade.get_schedule(db, tenant_id=tenant, schedule_id=schedule.schedule_id)
    assert (paused.pause_reason, paused.last_error) == ("the last run failed", "it broke")


def test_the_watchdog_mends_a_chain_that_its_timing_does_not_know(
    db: Connection, database: Database, tenant: UUID
) -> None:
    schedule = make(db, tenant, "0 * * * *")
    make(db, tenant, "0 * * * *", name="sound")
    db.execute(
        "UPDATE highway.schedule SET next_at = next_at + '3 years', due_at = due_at + '3 years' WHERE name = 'nightly'"
    )
    with clock(database.worker, HOUR * 1.5) as later:
        assert check_chains(later, WORKER) == 1
        assert check_chains(later, WORKER) == 0
    mended = facade.get_schedule(db, tenant_id=tenant, schedule_id=schedule.schedule_id)
    assert mended.next_at == schedule.next_at


def test_the_database_refuses_an_active_schedule_that_nobody_would_look_at(db: Connection, tenant: UUID) -> None:
    make(db, tenant)
    for column in ("next_at", "due_at"):
        with pytest.raises(psycopg.errors.CheckViolation):
            db.execute(f"UPDATE highway.schedule SET {column} = NULL")  # type: ignore[arg-type]


def test_the_doctor_names_a_due_tick_that_nobody_has_decided(db: Connection, database: Database, tenant: UUID) -> None:
    make(db, tenant)
    assert in_trouble(database.worker, MINUTE, grace_seconds=30) == []
    (problem,) = in_trouble(database.worker, MINUTE * 2, grace_seconds=30)
    assert "nobody has decided it" in problem


def test_the_doctor_says_it_aloud(
    db: Connection, database: Database, tenant: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = make(db, tenant)
    with clock(database.worker, MINUTE * 2) as later:
        look_for_stuck_tasks(later, WORKER)
    assert f"schedule {schedule.schedule_id} does not go on" in caplog.text


def test_the_database_refuses_to_fire_a_tick_again(db: Connection, database: Database, tenant: UUID) -> None:
    make(db, tenant)
    tick(database.worker, MINUTE * 1.2)
    with pytest.raises(psycopg.Error, match="has fired"):
        db.execute("UPDATE highway.schedule_tick SET outcome = 'waiting', workflow_run_id = NULL")


def test_a_workers_clock_does_not_matter(db: Connection, database: Database, tenant: UUID) -> None:
    make(db, tenant, "@every 1h")
    move(db, timedelta())
    assert fire_due_ticks(db, WORKER) == 0


def test_what_is_wrong_with_a_schedule_is_said_at_once(db: Connection, tenant: UUID) -> None:
    facade.register(db, tenant_id=tenant, definition=ONE_TASK)
    spec = ScheduleSpec(name="a/b", workflow_name="one_task", timing="61 * * * *", inputs={"x": "{{ scheduled_tme }}"},
                        starts_at=datetime(2026, 2, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    with pytest.raises(facade.ScheduleRefusedError) as refused:
        facade.create_schedule(db, tenant_id=tenant, spec=spec)
    assert {problem.path: problem.code for problem in refused.value.problems} == {
        "$.name": "bad_name",
        "$.timing": "bad_schedule",
        "$.ends_at": "ends_before_start",
        "$.inputs.x": "bad_template",
    }
    assert "scheduled_time" in str(refused.value)
    with pytest.raises(facade.ScheduleRefusedError, match="did you mean 'Europe/Berlin'"):
        facade.create_schedule(db, tenant_id=tenant, spec=ScheduleSpec("a", "one_task", "@daily", zone="Berlin"))
    with pytest.raises(facade.ScheduleRefusedError, match="no workflow definition 'nope'"):
        facade.create_schedule(db, tenant_id=tenant, spec=ScheduleSpec("a", "nope", "@daily"))
