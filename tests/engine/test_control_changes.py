"""Changes that need no worker: another start, another priority, many runs at once, and forgetting a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, StateError
from engine.model.flow import FlowLimit, FlowOptions
from engine.model.views import RunFilter
from engine.queue.claims import wake_due
from engine.queue.commit import commit
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from engine.services.deadlines import stop_expired_runs
from tests.support.databases import Database
from tests.support.flow import end, grant
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, WORKER, fork, scalar, start, states, step, take, write

# An answer and a tick outlive the run that they tell of; a slot is held by an open task and is gone with its end.
KEPT = {"idempotency", "schedule_tick", "slot"}


def _status(connection: psycopg.Connection[Any], run: UUID) -> str:
    return str(scalar(connection, "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s", run))


def test_a_delayed_start_can_be_brought_forward_and_put_off(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, delay_seconds=3600)
        which = {"tenant_id": tenant, "workflow_run_id": run}
        assert facade.change_start(connection, **which, delay_seconds=0) == "pending"
        at = datetime.now(UTC) + timedelta(hours=2)
        assert facade.change_start(connection, **which, at=at, by="ann") == "sleeping"
        assert take(database.worker) == []
        assert scalar(connection, "SELECT available_at FROM highway.task WHERE task_id = %s", run) == at
        assert problems(database.worker) == []
        facade.change_start(connection, **which, at=at - timedelta(days=1))
        take(database.worker)
        with pytest.raises(StateError, match="already started"):
            facade.change_start(connection, **which, delay_seconds=5)
        with pytest.raises(InvalidError):
            facade.change_start(connection, **which)


def test_the_deadline_moves_with_the_start(database: Database, tenant: UUID) -> None:
    definition = {
        "name": "d",
        "deadline_seconds": 60,
        "tasks": {"a": {"task_id": "a", "operator_type": "wait", "wait_for": 1}},
    }
    with connect(database.worker) as connection:
        run = start(connection, tenant, definition, delay_seconds=100)  # type: ignore[arg-type]
        before = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).deadline_at
        facade.change_start(connection, tenant_id=tenant, workflow_run_id=run, delay_seconds=3600)
        after = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).deadline_at
    assert before is not None
    assert after is not None
    assert 3400 < (after - before).total_seconds() < 3600


@pytest.mark.parametrize("paused", [False, True])
def test_the_deadline_is_counted_from_the_new_start_however_long_the_old_one_is_past(
    database: Database, tenant: UUID, paused: bool
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, ONE_TASK | {"deadline_seconds": 300}, delay_seconds=40)
        connection.execute("SET highway.now_offset = '400 seconds'")
        which = {"tenant_id": tenant, "workflow_run_id": run}
        if paused:  # a resumed task is due from then on
            facade.pause(connection, **which, by="ann", reason="")
            facade.resume(connection, **which, by="ann")
        facade.change_start(connection, **which, delay_seconds=50)
        left = scalar(
            connection, "SELECT extract(epoch FROM deadline_at - highway.now()) FROM highway.workflow_run WHERE true"
        )
        assert 340 < left <= 350


def test_a_run_in_line_leaves_it_and_gives_back_what_it_had_passed_when_its_start_is_moved(
    database: Database, tenant: UUID
) -> None:
    only_b = FlowOptions(limits=(FlowLimit("concurrency", "b", 1),))
    both = FlowOptions(limits=(FlowLimit("concurrency", "a", 1), FlowLimit("concurrency", "b", 1)))
    with connect(database.worker) as connection:
        start(connection, tenant, flow=only_b)
        (holder,) = take(database.worker)
        moved = start(connection, tenant, flow=both)
        behind = start(connection, tenant, flow=both)
        assert take(database.worker) == []  # the first of them has the slot of a, and stands in line for b
        facade.change_start(connection, tenant_id=tenant, workflow_run_id=moved, delay_seconds=50)
        grant(database)
        write(database.worker, TaskWrites(holder, exit=Finished("completed")))
        grant(database)
        assert [task.workflow_run_id for task in take(database.worker)] == [behind]
        connection.execute("SET highway.now_offset = '51 seconds'")
        assert wake_due(connection, quantity=10)[0] == 1
        assert take(database.worker) == []
        assert states(connection, moved) == {"": "sleeping"}  # in line again


def test_a_run_that_its_deadline_ended_has_all_of_it_again_when_it_is_restarted_and_no_more(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, ONE_TASK | {"deadline_seconds": 60}, delay_seconds=3600)
        connection.execute("SET highway.now_offset = '3700 seconds'")
        assert stop_expired_runs(connection, WORKER) == 1
        assert _status(connection, run) == "failed"
        facade.restart(connection, tenant_id=tenant, workflow_run_id=run, by="ann", reason="")
        left = "SELECT extract(epoch FROM deadline_at - highway.now()) FROM highway.workflow_run WHERE workflow_run_id = %s"
        assert 50 < scalar(connection, left, run) <= 60


def test_a_priority_that_is_raised_lets_the_run_go_first(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        first, second = start(connection, tenant), start(connection, tenant)
        facade.set_priority(connection, tenant_id=tenant, workflow_run_id=second, priority=7, by="ann")
        (task,) = take(database.worker, quantity=1)
        assert task.task_id == second
        write(database.worker, TaskWrites(task, exit=Finished("completed")))
        with pytest.raises(StateError):
            facade.set_priority(connection, tenant_id=tenant, workflow_run_id=second, priority=1)
        assert _status(connection, first) == "pending"


def test_many_runs_are_counted_first_and_then_changed_in_bounded_steps(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant, tags=["mine"]) for _ in range(5)]
        other = start(connection, tenant)
        chosen = RunFilter(tags=("mine",))
        which: dict[str, Any] = {"tenant_id": tenant, "chosen": chosen}
        for action, status in (("pause", "paused"), ("resume", "pending"), ("cancel", "cancelled")):
            assert facade.bulk_count(connection, **which, action=action) == 5
            done: list[UUID] = []
            cursor, steps = None, 0
            while steps == 0 or cursor is not None:
                made = facade.bulk_step(connection, **which, action=action, by="ann", before=cursor, quantity=2)
                done, cursor, steps = done + made.done, made.next_cursor, steps + 1
            assert (sorted(done), steps) == (sorted(runs), 3)
            assert {_status(connection, run) for run in runs} == {status}
        assert facade.bulk_count(connection, **which, action="cancel") == 0
        assert len(facade.bulk_step(connection, **which, action="retry").done) == 5
        assert len(facade.bulk_step(connection, **which, action="purge").done) == 5
        assert _status(connection, other) == "pending"
        assert problems(database.worker) == []


def test_a_filter_that_can_find_nothing_for_the_action_is_refused(database: Database, tenant: UUID) -> None:
    with (
        connect(database.worker) as connection,
        pytest.raises(InvalidError, match="completed cannot be the object of cancel"),
    ):
        facade.bulk_count(connection, tenant_id=tenant, action="cancel", chosen=RunFilter(statuses=("completed",)))


def test_a_run_that_is_purged_leaves_no_row_in_any_table_that_names_runs(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        wait = WaitWrite("w", "event", event_name="go")
        write(database.worker, step(task, "only"), *[])
        commit(connection, [fork(task, "b", waits=[wait], exit=Suspended())], WORKER)
        facade.send_signal(connection, tenant_id=tenant, workflow_run_id=run, name="go")
        connection.execute(
            "INSERT INTO highway.variable (tenant_id, workflow_run_id, scope, name) VALUES (%s, %s, '', 'v')",
            [tenant, run],
        )
        with pytest.raises(StateError, match="only an ended run"):
            facade.purge(connection, tenant_id=tenant, workflow_run_id=run)
        facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
        before = _rows(database, run)
        assert {table for table, rows in before.items() if rows} >= {
            "workflow_run",
            "task",
            "checkpoint",
            "event",
            "signal",
            "variable",
        }
        facade.purge(connection, tenant_id=tenant, workflow_run_id=run)
    assert {table for table, rows in _rows(database, run).items() if rows} == set()


def test_a_task_of_an_ended_run_that_is_still_being_stopped_keeps_it_from_a_restart_and_a_purge(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (root,) = take(database.worker)
        write(database.worker, fork(root, "b", waits=[WaitWrite("j", "tasks", awaited=["b"])], exit=Suspended()))
        take(database.worker)
        facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)
        assert states(connection, run) == {"": "pending", "b": "running"}
        for change in (facade.restart, facade.purge):
            with pytest.raises(StateError, match="only"):
                change(connection, tenant_id=tenant, workflow_run_id=run)


def test_a_restarted_run_passes_the_limits_of_its_definition_again(database: Database, tenant: UUID) -> None:
    limited = ONE_TASK | {"name": "limited", "limits": [{"kind": "concurrency", "limit": 1}]}
    with connect(database.worker) as connection:
        run = start(connection, tenant, limited)
        end(database, *take(database.worker), state="failed")
        other = start(connection, tenant, limited)
        (holder,) = take(database.worker)
        facade.restart(connection, tenant_id=tenant, workflow_run_id=run)
        assert take(database.worker) == []
        assert states(connection, run) == {"": "sleeping"}
        assert problems(database.worker, grace_seconds=60) == []
        end(database, holder)
        grant(database)
        assert [task.task_id for task in take(database.worker)] == [run]
        assert _status(connection, other) == "completed"


def test_no_other_door_leads_out_of_a_terminal_state(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run, other = start(connection, tenant), start(connection, tenant)
        for each in (run, other):
            facade.cancel(connection, tenant_id=tenant, workflow_run_id=each)
        for setting, state in (
            ("", "pending"),
            (str(other), "pending"),
            (str(run), "running"),
            (str(run), "completed"),
        ):
            with pytest.raises(psycopg.Error, match="cannot become"), connection.transaction():
                connection.execute("SELECT set_config('highway.restarting', %s, true)", [setting])
                connection.execute(
                    "UPDATE highway.task SET state = %s, claimed_by = CASE WHEN %s = 'running' THEN task_id END WHERE task_id = %s",
                    [state, state, run],
                )


def _tables(database: Database) -> set[str]:
    with psycopg.connect(database.superuser) as connection:
        rows = connection.execute(
            "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'workflow_run_id'"
            " WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        return {row[0] for row in rows}


def _rows(database: Database, run: UUID) -> dict[str, int]:
    with psycopg.connect(database.superuser) as connection:
        return {
            table: scalar(connection, f"SELECT count(*) FROM highway.{table} WHERE workflow_run_id = %s", run)
            for table in _tables(database) - KEPT
        }
