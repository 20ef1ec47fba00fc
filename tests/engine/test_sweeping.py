"""What is over is swept by one worker for all, as fast as it comes to be over, and in turns that keep nobody waiting."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import Connection, connect
from engine.services import SERVICES
from engine.services.kit import sweeping
from engine.services.kit.sweeping import Sweep, all_from
from engine.services.retention import old_runs
from engine.services.tidying import expired_keys
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.retention import ended_run
from tests.support.runs import scalar


def swept(connection: Connection, measure: str) -> float:
    """What the measure says."""
    found: float = scalar(connection, "SELECT value FROM highway.health WHERE measure = %s", measure)
    return found


def test_one_worker_sweeps_for_all_and_counts_what_it_did(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "TURN_SECONDS", 60.0)
    sweep = Sweep("runs_forgotten", old_runs, 60.0)
    with connect(database.worker) as connection:
        for _ in range(3):
            ended_run(database, connection, tenant, days=40)
        assert sweep(connection, uuid4()) == 3
        ended_run(database, connection, tenant, days=40)
        assert sweep(connection, uuid4()) == 0, "it is not its turn"
        assert swept(connection, "runs_forgotten") == 3
    assert problems(database.worker) == []


def test_a_turn_that_was_too_short_is_followed_by_another_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "TURN_SECONDS", 0.0)
    left = [5, 5, 5]

    def batches(connection: Connection) -> Iterator[int]:
        while left:
            yield left.pop()

    sweep = Sweep("rows", batches, 60.0)
    with connect(database.worker) as connection:
        assert [sweep(connection, uuid4()) for _ in range(5)] == [5, 5, 5, 0, 0]
        assert swept(connection, "rows") == 15
        left.append(5)
        assert sweep(connection, uuid4()) == 0, "it had come to the end, so the next turn is in a minute"


def test_a_turn_that_found_nothing_in_its_time_waits_for_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "TURN_SECONDS", 0.0)
    looks = iter([0, 0, 7])
    sweep = Sweep("rows", lambda _: looks, 60.0)
    with connect(database.worker) as connection:
        assert [sweep(connection, uuid4()) for _ in range(3)] == [0, 0, 0]
        assert list(looks) == [0, 7], "it looked once"


def test_asking_whether_it_is_time_writes_nothing(database: Database) -> None:
    sweep = Sweep("rows", lambda _: iter(()), 60.0)
    with connect(database.worker) as connection:
        sweep(connection, uuid4())
        with connection.transaction():
            sweep(connection, uuid4())
            assert scalar(connection, "SELECT pg_current_xact_id_if_assigned()") is None


def test_thousands_of_keys_that_expired_are_gone_in_one_turn(database: Database, tenant: UUID) -> None:
    query = (
        "INSERT INTO highway.idempotency (tenant_id, key, request_hash, expires_at) "
        "SELECT %s, 'k' || n, 'h', now() + (n %% 2 * 2 - 1) * interval '1 hour' FROM generate_series(1, 5000) AS n"
    )
    with connect(database.worker) as connection:
        connection.execute(query, [tenant])
        assert sum(expired_keys(connection)) == 2_500
        assert scalar(connection, "SELECT count(*) FROM highway.idempotency") == 2_500


def test_old_runs_are_found_in_every_tenant_wherever_the_turn_begins(database: Database) -> None:
    tenants = sorted(UUID(int=number << 120 | 1) for number in (16, 128, 240))
    with connect(database.worker) as connection, psycopg.connect(database.superuser, autocommit=True) as superuser:
        for start in (UUID(int=0), tenants[0], tenants[1], uuid4(), tenants[2], UUID(int=(1 << 128) - 1)):
            for tenant in tenants:
                ended_run(database, connection, tenant, days=40)
            assert sum(old_runs(connection, start)) == len(tenants)
        assert scalar(superuser, "SELECT count(*) FROM highway.workflow_run") == 0


def test_a_round_over_all_tenants_leaves_nobody_out() -> None:
    begin = uuid4()
    assert all_from(begin) == ((begin, None), (UUID(int=0), begin))
    assert all_from(None) != all_from(None), "somewhere else each time"


def test_every_sweep_is_asked_each_second() -> None:
    sweeps = [service for service in SERVICES if isinstance(service.step, Sweep)]
    assert len({service.step.measure for service in sweeps if isinstance(service.step, Sweep)}) == len(sweeps) == 5
    assert {service.every_seconds for service in sweeps} == {1.0}
