"""Claiming: fair between tenants, by priority and age inside one, never early."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from engine.db.connection import connect
from engine.queue.claims import NO_TENANT, Turn, Want, claim, wake_due
from tests.support.databases import Database
from tests.support.runs import WORKER, scalar, start, take


def test_a_small_tenant_is_served_beside_a_big_backlog(database: Database) -> None:
    big, small = uuid4(), uuid4()
    with connect(database.worker) as connection:
        for _ in range(30):
            start(connection, big)
        start(connection, small)
    assert small in {task.tenant_id for task in take(database.worker, quantity=4)}


def test_tenants_take_turns_over_several_claims(database: Database) -> None:
    tenants = sorted(uuid4() for _ in range(5))
    with connect(database.worker) as connection:
        for tenant in tenants:
            for _ in range(3):
                start(connection, tenant)
        after, served = NO_TENANT, []
        for _ in range(5):
            tasks = claim(connection, worker_id=WORKER, queues=("default",), quantity=1, after_tenant=after)
            served += [task.tenant_id for task in tasks]
            after = tasks[-1].tenant_id
    assert served == tenants


def test_behind_the_last_tenant_comes_the_first_again_in_the_same_claim(database: Database) -> None:
    tenants = sorted(uuid4() for _ in range(4))
    with connect(database.worker) as connection:
        for tenant in tenants:
            for _ in range(3):
                start(connection, tenant)
        tasks = claim(connection, worker_id=WORKER, queues=("default",), quantity=8, after_tenant=tenants[1])
        assert [task.tenant_id for task in tasks] == [tenants[n] for n in (2, 2, 3, 3, 0, 0, 1, 1)]
        rest = claim(connection, worker_id=WORKER, queues=("default",), quantity=8, after_tenant=tenants[3])
        assert [task.tenant_id for task in rest] == tenants


def test_a_tenant_alone_is_served_by_every_claim_of_its_worker(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        for _ in range(6):
            start(connection, tenant)
        turn = Turn()
        for _ in range(3):
            tasks = claim(
                connection,
                worker_id=WORKER,
                queues=("default",),
                quantity=2,
                after_tenant=turn.after_tenant,
                credit=turn.credit,
            )
            assert len(tasks) == 2
            turn = turn.behind(tasks, 2)


@pytest.mark.parametrize(
    ("waiting", "is_shared"),
    [
        ([40], False),
        ([3, 2], False),  # all of it is taken: nobody waits
        ([40, 1], True),
        ([40, 40], False),  # both wait for themselves
        ([40, 40, 1], True),
        ([1] * 40, False),
    ],
)
def test_a_look_tells_whether_somebody_s_few_stand_beside_another_s_many(
    database: Database, waiting: list[int], is_shared: bool
) -> None:
    with connect(database.worker) as connection:
        for runs in waiting:
            tenant = uuid4()
            for _ in range(runs):
                start(connection, tenant)
    tasks = take(database.worker, quantity=10)
    want = Want(("default",), 10)
    assert want.is_shared(tasks) is is_shared
    assert want.leaves_some(tasks) is (len(tasks) < sum(waiting))


def test_higher_priority_first_then_older_first(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        low, high, lower = start(connection, tenant), start(connection, tenant, priority=5), start(connection, tenant)
    assert [take(database.worker, quantity=1)[0].task_id for _ in range(3)] == [high, low, lower]


def test_only_the_worker_s_own_queues_are_claimed(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant, queue="gpu")
    assert take(database.worker) == []
    assert len(take(database.worker, queues=("default", "gpu"))) == 1


def test_a_delayed_run_is_not_claimed_before_its_time_and_the_worker_learns_when(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, delay_seconds=60)
        assert (
            scalar(connection, "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s", run) == "sleeping"
        )
        woken, seconds = wake_due(connection, quantity=10)
        assert woken == 0
        assert seconds is not None
        assert 58 < seconds <= 60
        connection.execute("SET highway.now_offset = '61 seconds'")
        assert wake_due(connection, quantity=10)[0] == 1
    assert [task.task_id for task in take(database.worker)] == [run]


def test_every_claim_has_a_newer_fencing_token(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        epochs = []
        for _ in range(3):
            (task,) = take(database.worker)
            epochs.append(task.epoch)
            connection.execute("UPDATE highway.task SET state = 'pending', claimed_by = NULL")
    assert epochs == sorted(set(epochs))
