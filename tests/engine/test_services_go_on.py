"""What cannot be done for one run, activity or schedule keeps no service from doing it for the others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import connect
from engine.services import cron
from engine.services.activities import expire_activities
from engine.services.cron import fire_due_ticks
from engine.services.deadlines import stop_expired_runs
from engine.services.orphans import stop_orphans
from tests.support.databases import Database
from tests.support.runs import ONE_TASK, WORKER, fork, scalar, start, states, take, write
from tests.support.schedules import clock, end_runs, make, now, outcomes, tick

MINUTE = timedelta(minutes=1)
Refusing = Callable[[str, str, UUID, str], AbstractContextManager[None]]


@pytest.fixture
def refusing(database: Database) -> Refusing:
    """``with refusing(table, column, id, sqlstate)``: what would change this row fails, for a reason that nobody foresaw."""

    @contextmanager
    def refuse(table: str, column: str, place: UUID, sqlstate: str) -> Iterator[None]:
        with psycopg.connect(database.superuser, autocommit=True) as owner:
            owner.execute(
                "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION 'it cannot be done' USING ERRCODE = '{sqlstate}'; END $$"  # type: ignore[arg-type]
            )
            owner.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN (NEW.{column} = '{place}') "  # type: ignore[arg-type]
                "EXECUTE FUNCTION public.refuse()"
            )
            yield
            owner.execute(f"DROP TRIGGER refuse ON {table}")  # type: ignore[arg-type]
            owner.execute("DROP FUNCTION public.refuse()")

    return refuse


@pytest.mark.parametrize("sqlstate", ["54000", "XX000", "22003"])
def test_a_run_that_cannot_be_stopped_keeps_no_other_from_its_deadline(
    database: Database, tenant: UUID, refusing: Refusing, sqlstate: str
) -> None:
    with connect(database.worker) as connection:
        definition = ONE_TASK | {"name": "short", "deadline_seconds": 1}
        stuck, other = start(connection, tenant, definition), start(connection, uuid4(), definition)
        connection.execute("SET highway.now_offset = '1 minute'")
        with refusing("highway.task", "task_id", stuck, sqlstate):
            assert stop_expired_runs(connection, WORKER) == 1
            assert (states(connection, stuck), states(connection, other)) == ({"": "pending"}, {"": "failed"})
        assert stop_expired_runs(connection, WORKER) == 1


def test_an_orphan_that_cannot_be_stopped_keeps_no_other_alive(
    database: Database, tenant: UUID, refusing: Refusing
) -> None:
    with connect(database.worker) as connection, connect(database.superuser) as owner:
        parents = [start(connection, tenant) for _ in range(2)]
        children = [start(connection, tenant) for _ in range(2)]
        for parent, child in zip(parents, children, strict=True):
            owner.execute(
                "UPDATE highway.workflow_run SET parent_run_id = %s, parent_key = 'c' WHERE workflow_run_id = %s",
                [parent, child],
            )
            owner.execute("UPDATE highway.task SET state = 'failed', finished_at = now() WHERE task_id = %s", [parent])
        with refusing("highway.task", "task_id", children[0], "54000"):
            assert stop_orphans(connection, WORKER) == 1
        assert states(connection, children[1]) == {"": "cancelled"}


def test_an_activity_that_cannot_be_ended_keeps_no_other_open(
    database: Database, tenant: UUID, refusing: Refusing
) -> None:
    with connect(database.worker) as connection, connect(database.superuser) as owner:
        start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, fork(task, "stuck", "other", kind="activity"))
        owner.execute("UPDATE highway.activity SET close_by = highway.now() - interval '1 minute'")
        owner.execute(
            "UPDATE highway.activity SET close_by = close_by - interval '1 hour' WHERE task_id = (SELECT task_id FROM highway.task WHERE key = 'stuck')"
        )
        stuck = scalar(connection, "SELECT task_id FROM highway.task WHERE key = 'stuck'")
        with refusing("highway.task", "task_id", stuck, "54000"):
            assert expire_activities(connection, WORKER) == 1
        assert states(connection, task.workflow_run_id)["other"] == "failed"


@pytest.mark.parametrize("sqlstate", ["55P03", "40P01", "54000"])
def test_a_schedule_that_cannot_be_decided_keeps_no_other_from_its_time(
    database: Database, tenant: UUID, refusing: Refusing, sqlstate: str
) -> None:
    with connect(database.worker) as connection:
        stuck = make(connection, tenant, "@every 60s", name="stuck")
        make(connection, uuid4(), "@every 61s", name="other")
        with (
            refusing("highway.schedule_tick", "schedule_id", stuck.schedule_id, sqlstate),
            clock(database.worker, MINUTE * 1.5) as later,
        ):
            assert fire_due_ticks(later, WORKER) == 1
            assert fire_due_ticks(later, WORKER) == 0, "it is put off"
        soon = MINUTE * 1.5 + timedelta(seconds=cron.BUSY_SECONDS if sqlstate != "54000" else cron.POSTPONE_SECONDS)
        with clock(database.worker, soon) as again:
            assert fire_due_ticks(again, WORKER) >= 1


def test_much_to_catch_up_keeps_no_waiting_tick_from_its_turn(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database.worker) as connection:
        waits = make(connection, tenant, overlap="buffer_one")
        for minute in (1.2, 2.2):
            tick(database.worker, MINUTE * minute)
        assert outcomes(connection, tenant, waits) == ["fired", "waiting"]
        end_runs(connection, tenant)
        long_ago = now(connection) - timedelta(days=1)
        make(connection, uuid4(), "@every 1s", name="late", overlap="skip", catchup="all", starts_at=long_ago)
        a_second_a_look = SimpleNamespace(monotonic=partial(next, itertools.count()))
        monkeypatch.setattr(cron, "time", a_second_a_look)
        monkeypatch.setattr(
            cron, "MOST_SECONDS", 2
        )  # one decision, of 500 of its 86,400 ticks, and one of the waiting ones
        tick(database.worker, MINUTE * 2.4)
        assert outcomes(connection, tenant, waits) == ["fired", "fired"]
