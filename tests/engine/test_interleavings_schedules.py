"""Schedules between two sessions: whoever comes second waits, or passes by, and then sees what the first did. A tick fires at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.errors import NotFoundError, StateError
from engine.model.schedules import ScheduleView
from engine.services.cron import check_chains, fire_due_ticks
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, scalar
from tests.support.schedule_stage import ANOTHER_VERSION, DUE, MINUTE, Stage, Work, a_tick_under_way
from tests.support.schedules import WORKER, clock, end_runs, make, move


@pytest.fixture
def stage(database: Database, tenant: UUID) -> Iterator[Callable[..., Stage]]:
    with clock(database.worker, DUE) as first, clock(database.worker) as observer:
        yield lambda **spec: Stage(database, tenant, first, observer, **spec)
    assert problems(database.worker) == []


def test_tick_then_tick_the_second_scheduler_passes_by(stage: Callable[..., Stage]) -> None:
    on = stage()
    with a_tick_under_way(on):
        on.passes_by()
    on.passes_by()
    assert (on.ticks(), on.runs()) == (["fired"], 1)


def test_a_tick_that_was_rolled_back_is_fired_by_the_other_scheduler(stage: Callable[..., Stage]) -> None:
    on = stage()
    with pytest.raises(RuntimeError), a_tick_under_way(on):
        raise RuntimeError
    assert (on.ticks(), on.runs()) == ([], 0)
    assert fire_due_ticks(on.first, WORKER) == 1
    assert (on.ticks(), on.runs()) == (["fired"], 1)


def test_tick_then_pause_the_tick_has_fired_and_the_chain_rests(stage: Callable[..., Stage]) -> None:
    on = stage()
    with a_tick_under_way(on):
        second = on.blocked(on.pause)
    paused = second.result()
    assert (paused.state, paused.next_at) == ("paused", on.schedule.anchor_at + MINUTE * 2)
    assert (on.ticks(), on.state()) == (["fired"], "paused")


def test_pause_then_tick_nothing_fires(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.pause(on.first)
        on.passes_by()
    on.passes_by()
    assert (on.ticks(), on.runs()) == ([], 0)


def test_resume_then_tick_what_came_meanwhile_fires_once(stage: Callable[..., Stage]) -> None:
    on = stage()
    on.pause(on.observer)
    with on.first.transaction():
        on.resume(on.first)
        on.passes_by()
    assert fire_due_ticks(on.first, WORKER) == 1
    on.passes_by()
    assert on.ticks() == ["fired"]


def test_resume_then_pause_the_second_waits_and_pauses_it_again(stage: Callable[..., Stage]) -> None:
    on = stage()
    on.pause(on.observer)
    with on.first.transaction():
        on.resume(on.first)
        second = on.blocked(on.pause)
    assert second.result().state == "paused"


def test_pause_then_pause_the_second_is_refused(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.pause(on.first)
        second = on.blocked(on.pause)
    assert isinstance(second.result(), StateError)


def test_resume_then_resume_the_second_is_refused(stage: Callable[..., Stage]) -> None:
    on = stage()
    on.pause(on.observer)
    with on.first.transaction():
        on.resume(on.first)
        second = on.blocked(on.resume)
    assert isinstance(second.result(), StateError)


def test_tick_then_delete_the_run_stays(stage: Callable[..., Stage]) -> None:
    on = stage()
    with a_tick_under_way(on):
        second = on.blocked(on.delete)
    assert second.result() is None
    assert (on.state(), on.runs()) == ("deleted", 1)


def test_delete_then_tick_nothing_fires(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.delete(on.first)
        on.passes_by()
    on.passes_by()
    assert on.runs() == 0


@pytest.mark.parametrize("work", ["pause", "run_now", "backfill", "delete"])
def test_after_a_delete_the_second_finds_nothing(stage: Callable[..., Stage], work: str) -> None:
    on = stage()
    with on.first.transaction():
        on.delete(on.first)
        second = on.blocked(getattr(on, work))
    assert isinstance(second.result(), NotFoundError)
    assert on.runs() == 0


def test_tick_then_change_the_change_counts_from_after_the_tick(stage: Callable[..., Stage]) -> None:
    on = stage()
    with a_tick_under_way(on):
        second = on.blocked(on.change(timing="@every 10m"))
    changed = second.result()
    assert (changed.spec.timing, changed.next_at) == ("@every 10m", on.schedule.anchor_at + MINUTE * 10)
    assert on.ticks() == ["fired"]


def test_change_then_tick_the_old_tick_does_not_come_any_more(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.change(timing="@every 10m")(on.first)
        on.passes_by()
    on.passes_by()
    assert on.ticks() == []


def test_two_changes_at_once_are_both_kept(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.change(priority=7)(on.first)
        second = on.blocked(on.change(queue="slow"))
    changed = second.result()
    assert (changed.spec.priority, changed.spec.queue) == (7, "slow")


def test_tick_then_run_now_sees_the_open_run(stage: Callable[..., Stage]) -> None:
    on = stage()
    with a_tick_under_way(on):
        second = on.blocked(on.run_now)
    assert isinstance(second.result(), StateError)
    assert on.runs() == 1


def test_run_now_then_tick_the_tick_is_skipped_for_the_open_run(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.run_now(on.first)
        on.passes_by()
    on.passes_by()
    assert (sorted(on.ticks()), on.runs()) == (["fired", "skipped"], 1)


def test_run_now_then_run_now_only_one_may_run(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.run_now(on.first)
        second = on.blocked(on.run_now)
    assert isinstance(second.result(), StateError)
    assert on.runs() == 1


def test_run_now_then_pause_both_hold(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        on.run_now(on.first)
        second = on.blocked(on.pause)
    assert second.result().state == "paused"
    assert on.runs() == 1


def test_backfill_then_tick_the_backfilled_tick_does_not_fire_again(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="allow")
    with on.first.transaction():
        assert on.backfill(on.first).count == 1
        on.passes_by()
    on.passes_by()
    assert (on.ticks(), on.runs()) == (["fired"], 1)
    next_at = facade.get_schedule(on.observer, **on.key).next_at
    assert next_at == on.schedule.anchor_at + MINUTE * 2, "the chain has gone on"


def test_tick_then_backfill_finds_it_fired(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="allow")
    with a_tick_under_way(on):
        second = on.blocked(on.backfill)
    done = second.result()
    assert (done.count, done.already_fired, on.runs()) == (0, 1, 1)


def test_backfill_then_backfill_the_second_finds_everything_fired(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="allow")
    with on.first.transaction():
        on.backfill(on.first)
        second = on.blocked(on.backfill)
    assert (second.result().already_fired, on.runs()) == (1, 1)


def test_backfill_then_delete_what_waits_is_dropped(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="buffer_all")
    with on.first.transaction():
        on.backfill(on.first)
        second = on.blocked(on.delete)
    assert second.result() is None
    on.passes_by()
    assert on.runs() == 0


def test_register_then_tick_the_new_version_runs(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        facade.register(on.first, tenant_id=on.tenant, definition=ANOTHER_VERSION)
    assert fire_due_ticks(on.first, WORKER) == 1
    assert scalar(on.observer, "SELECT version FROM highway.workflow_run") == 2


def test_tick_then_register_waits_for_the_schedule_that_it_changes(stage: Callable[..., Stage]) -> None:
    on = stage(name="one_task")
    on.observer.execute("UPDATE highway.schedule SET source = 'definition'")
    with a_tick_under_way(on):
        second = on.blocked(on.register)
    assert second.result().version == 2
    assert facade.get_schedule(on.observer, **on.key).spec.timing == "@every 5m"
    assert on.ticks() == ["fired"]


def test_register_then_tick_the_schedule_of_the_new_version_holds(stage: Callable[..., Stage]) -> None:
    on = stage(name="one_task")
    on.observer.execute("UPDATE highway.schedule SET source = 'definition'")
    with on.first.transaction():
        on.register(on.first)
        on.passes_by()
    on.passes_by()
    assert on.ticks() == []


def test_register_then_register_the_second_waits_and_changes_the_schedule_of_the_first(
    stage: Callable[..., Stage],
) -> None:
    on = stage()
    with on.first.transaction():
        on.register(on.first)
        second = on.blocked(
            lambda connection: facade.register(
                connection,
                tenant_id=on.tenant,
                definition={**ONE_TASK, "description": "third", "schedule": "@every 7m"},
            )
        )
    assert second.result().version == 3
    made = [one for one in facade.list_schedules(on.observer, tenant_id=on.tenant) if one.source == "definition"]
    assert [one.spec.timing for one in made] == ["@every 7m"]


def test_a_schedule_that_is_just_being_made_by_people_is_not_taken_by_a_version(stage: Callable[..., Stage]) -> None:
    on = stage()
    with on.first.transaction():
        make(on.first, on.tenant, "@every 9m", name="one_task")
        second = on.blocked(on.register)
    assert second.result().version == 2
    (mine,) = [one for one in facade.list_schedules(on.observer, tenant_id=on.tenant) if one.spec.name == "one_task"]
    assert (mine.source, mine.spec.timing) == ("api", "@every 9m")


@pytest.mark.parametrize("is_kept", [True, False])
def test_two_schedules_of_one_name_at_once(stage: Callable[..., Stage], is_kept: bool) -> None:
    on = stage()
    work: Work = lambda connection: make(connection, on.tenant, name="twin")  # noqa: E731
    try:
        with on.first.transaction():
            make(on.first, on.tenant, name="twin")
            second = on.blocked(work)
            if not is_kept:
                raise psycopg.Rollback
    finally:
        outcome = second.result()
    assert isinstance(outcome, StateError if is_kept else ScheduleView)


def test_a_waiting_tick_is_released_by_one_of_two_schedulers(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="buffer_all")
    assert fire_due_ticks(on.first, WORKER) == 1
    with on.first.transaction():
        move(on.first, MINUTE * 2.2)
        assert fire_due_ticks(on.first, WORKER) == 0
    assert on.ticks() == ["fired", "waiting"]
    end_runs(on.observer, on.tenant)
    with on.first.transaction():
        assert fire_due_ticks(on.first, WORKER) == 1
        on.passes_by()
    on.passes_by()
    assert (on.ticks(), on.runs()) == (["fired", "fired"], 2)


def test_a_run_that_is_just_ending_still_counts_until_its_end_is_committed(stage: Callable[..., Stage]) -> None:
    on = stage()
    on.run_now(on.observer)
    with on.first.transaction():
        end_runs(on.first, on.tenant)
        on.passes_by()
    assert sorted(on.ticks()) == ["fired", "skipped"]


def test_replacing_a_run_that_is_just_ending_waits_for_it_and_fires(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="cancel_other")
    on.run_now(on.observer)
    with on.first.transaction():
        end_runs(on.first, on.tenant)
        second = on.blocked(lambda connection: fire_due_ticks(connection, WORKER))
    assert second.result() == 1
    assert scalar(on.observer, "SELECT array_agg(status ORDER BY workflow_run_id) FROM highway.workflow_run") == [
        "completed",
        "pending",
    ]


def test_tick_then_cancel_of_the_run_it_replaces_ends_it_once(stage: Callable[..., Stage]) -> None:
    on = stage(overlap="cancel_other")
    run_id = on.run_now(on.observer).workflow_run_id
    with a_tick_under_way(on):
        second = on.blocked(
            lambda connection: facade.cancel(connection, tenant_id=on.tenant, workflow_run_id=run_id, reason="mine")
        )
    assert isinstance(second.result(), StateError)
    assert on.runs() == 2


def test_the_watchdog_passes_by_a_tick_under_way_and_the_tick_by_the_watchdog(stage: Callable[..., Stage]) -> None:
    on = stage()
    on.observer.execute("UPDATE highway.schedule SET checked_at = checked_at - interval '1 day'")
    with a_tick_under_way(on), clock(on.database.worker, DUE) as other:
        assert check_chains(other, WORKER) == 0
    on.observer.execute(
        "UPDATE highway.schedule SET checked_at = checked_at - interval '1 day', next_at = next_at + '1 h'"
    )
    with on.first.transaction():
        assert check_chains(on.first, WORKER) == 1
        on.passes_by()
    assert facade.get_schedule(on.observer, **on.key).next_at == on.schedule.anchor_at + MINUTE * 2
