"""Whose turn it is: tenants by weight, priorities that age, partitions in turn; pauses and caps of queues and tenants."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BacklogFullError, StateError
from engine.db.queries import load
from engine.model.flow import FlowOptions, TenantPolicy
from engine.queue.claims import Turn, claim
from tests.support.databases import Database
from tests.support.flow import at_once, slots
from tests.support.runs import WORKER, scalar, start, take

_FILL = """
    WITH run AS (
        INSERT INTO highway.workflow_run (tenant_id, workflow_run_id, definition_id, definition_hash, name, version)
        SELECT %(tenant)s, highway.uuid7(), %(tenant)s, 'h', 'f', 1 FROM generate_series(1, %(runs)s) RETURNING workflow_run_id)
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, queue, available_at)
    SELECT %(tenant)s, workflow_run_id, workflow_run_id, 'workflow', %(queue)s, highway.now() FROM run
"""


@pytest.fixture
def queue() -> str:
    return f"q{uuid4().hex[:10]}"


def fill(database: Database, tenant: UUID, queue: str, runs: int) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(_FILL, {"tenant": tenant, "queue": queue, "runs": runs})


def say(connection: psycopg.Connection[Any], tenant: UUID, *, paused: bool = False, **policy: Any) -> None:
    facade.set_tenant_policy(connection, tenant_id=tenant, policy=TenantPolicy(**policy), paused=paused)


def in_turn(connection: psycopg.Connection[Any], queue: str, quantity: int, claims: int) -> list[UUID]:
    """The tenants of the tasks that one worker claims, one claim after the other, up to 400 tasks."""
    turn, served = Turn(), []
    for _ in range(claims):
        if len(served) >= 400:
            break
        tasks = claim(
            connection,
            worker_id=WORKER,
            queues=(queue,),
            quantity=quantity,
            after_tenant=turn.after_tenant,
            credit=turn.credit,
        )
        served += [task.tenant_id for task in tasks]
        turn = turn.behind(tasks, quantity)
    return served


@pytest.mark.parametrize("quantity", [1, 2, 5, 40])
def test_tenants_are_served_by_their_weights(module_database: Database, queue: str, quantity: int) -> None:
    heavy, light = uuid4(), uuid4()
    for tenant in (heavy, light):
        fill(module_database, tenant, queue, 400)
    with connect(module_database.worker) as connection:
        say(connection, heavy, weight=3)
        served = Counter(in_turn(connection, queue, quantity, 800)[:400])
    assert served[heavy] == pytest.approx(300, abs=12)
    assert served[light] == pytest.approx(100, abs=12)


def test_a_small_tenant_is_claimed_in_the_first_round_beside_a_hundred_thousand(
    module_database: Database, queue: str
) -> None:
    big, small = uuid4(), uuid4()
    fill(module_database, big, queue, 100_000)
    fill(module_database, small, queue, 1)
    with psycopg.connect(module_database.superuser, autocommit=True) as connection:
        connection.execute("ANALYZE highway.task")
    query = load("task").claim
    values = {
        "worker_id": WORKER,
        "queues": [queue],
        "quantity": 4,
        "from_tenant": UUID(int=0),
        "credit": 0,
    }
    with connect(module_database.worker, plan_once=True) as connection, connection.transaction():
        before = scalar(connection, _READ)
        assert small in {row["tenant_id"] for row in query.many(connection, **values)}
        assert scalar(connection, _READ) - before < 60, "it looks at the heads, never at the queue"


_READ = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'task'"


def test_a_point_of_priority_counts_like_a_minute_of_waiting(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        old = start(connection, tenant, queue=queue)
        connection.execute("SET highway.now_offset = '9 minutes'")
        soon = start(connection, tenant, queue=queue, priority=10)
        connection.execute("SET highway.now_offset = '11 minutes'")
        late = start(connection, tenant, queue=queue, priority=10)
        lazy = start(connection, tenant, queue=queue, priority=-1)
    assert [task.task_id for task in take(module_database.worker, queues=(queue,))] == [soon, old, late, lazy]


def test_partitions_of_a_queue_take_turns_whatever_each_has_in_it(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        for key, runs in (("a", 12), ("b", 3), ("c", 1)):
            for _ in range(runs):
                start(connection, tenant, queue=queue, flow=FlowOptions(partition_key=key), tags=[key])
        tasks = take(module_database.worker, quantity=7, queues=(queue,))
        keys = [
            scalar(connection, "SELECT partition_key FROM highway.task WHERE task_id = %s", task.task_id)
            for task in tasks
        ]
    assert keys == ["a", "b", "c", "a", "b", "a", "b"]


def test_a_paused_queue_is_not_claimed_and_its_tasks_say_so(
    module_database: Database, tenant: UUID, other_tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        run, other = start(connection, tenant, queue=queue), start(connection, other_tenant, queue=queue)
        pause = facade.QueueChange(paused=True, reason="spring cleaning")
        facade.change_queue(connection, tenant_id=tenant, name=queue, change=pause, by="ann")
        assert [task.task_id for task in take(module_database.worker, queues=(queue,))] == [other]
        view = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run)
        (reason,) = facade.why_waiting(connection, tenant_id=tenant, run=view)
        assert reason.text == f"the queue {queue!r} was paused by ann: spring cleaning"
        resume = facade.QueueChange(paused=False)
        facade.change_queue(connection, tenant_id=tenant, name=queue, change=resume, by="ann")
        assert [task.task_id for task in take(module_database.worker, queues=(queue,))] == [run]


def test_the_platform_pauses_a_queue_for_everybody_and_tenants_see_that(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.web) as web:
        start(web, tenant, queue=queue)
        pause = facade.QueueChange(paused=True)
        facade.change_queue(web, tenant_id=facade.ALL_TENANTS, name=queue, change=pause, by="root")
        seen = facade.get_queue(web, tenant_id=tenant, name=queue)
        assert (seen.pending, seen.platform_paused, seen.paused_at) == (1, True, None)
    assert take(module_database.worker, queues=(queue,)) == []


def test_a_draining_queue_takes_no_new_runs_and_finishes_what_is_there(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.web) as web:
        start(web, tenant, queue=queue)
        drain = facade.QueueChange(draining=True)
        facade.change_queue(web, tenant_id=tenant, name=queue, change=drain, by="ann")
        for flow in (None, slots(1)):
            with pytest.raises(StateError, match="draining"):
                start(web, tenant, queue=queue, flow=flow)
    assert len(take(module_database.worker, queues=(queue,))) == 1


@pytest.mark.parametrize("whose", ["queue", "tenant"])
def test_never_more_running_tasks_than_the_cap_with_sixteen_claimers(
    module_database: Database, tenant: UUID, queue: str, whose: str
) -> None:
    fill(module_database, tenant, queue, 60)
    fill(module_database, other := uuid4(), queue, 60)
    with connect(module_database.worker) as connection:
        if whose == "tenant":
            say(connection, tenant, max_running=9)
        else:
            change = facade.QueueChange(max_running=9)
            facade.change_queue(connection, tenant_id=facade.ALL_TENANTS, name=queue, change=change, by="root")
    served: Counter[UUID] = Counter()
    for _ in range(3):  # a claim that finds others busy for long takes nothing this time
        taken = at_once([lambda: take(module_database.worker, quantity=2, queues=(queue,)) for _ in range(16)])
        served.update(task.tenant_id for tasks in taken for task in tasks)
    assert served[tenant] == 9 if whose == "tenant" else served.total() == 9
    assert served[other] > 9 or whose == "queue"
    with connect(module_database.worker) as connection:
        run = scalar(
            connection,
            "SELECT workflow_run_id FROM highway.task WHERE queue = %s AND tenant_id = %s AND state = 'pending' LIMIT 1",
            queue,
            tenant,
        )
        take(module_database.worker, quantity=100, queues=(queue,))
        view = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run)
        if view.status == "pending":
            (reason,) = facade.why_waiting(connection, tenant_id=tenant, run=view)
            assert reason.code == f"{whose}_full"
            assert reason.data["limit"] == 9


def test_a_paused_tenant_is_passed_over_and_others_are_found_behind_it(module_database: Database, queue: str) -> None:
    first, second = sorted((uuid4(), uuid4()))
    for tenant in (first, second):
        fill(module_database, tenant, queue, 3)
    with connect(module_database.worker) as connection:
        say(connection, first, paused=True, paused_by="root", pause_reason="unpaid")
        assert set(in_turn(connection, queue, 1, 3)) == {second}
        run = scalar(connection, "SELECT min(task_id::text)::uuid FROM highway.task WHERE tenant_id = %s", first)
        view = facade.get_run(connection, tenant_id=first, workflow_run_id=run)
        (reason,) = facade.why_waiting(connection, tenant_id=first, run=view)
        assert reason.text == "the tenant was paused by root: unpaid"
        say(connection, first)
        assert first in in_turn(connection, queue, 2, 1)


def test_a_full_backlog_refuses_with_its_figures_unless_the_tenant_is_exempt(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.web) as web:
        policy = TenantPolicy(max_backlog=3)
        facade.set_tenant_policy(web, tenant_id=tenant, policy=policy, paused=False)
        for flow in (None, slots(1), slots(1)):
            start(web, tenant, queue=queue, flow=flow)
        take(module_database.worker, queues=(queue,))  # two start, the third waits for a slot
        for _ in range(2):
            start(web, tenant, queue=queue)
        with pytest.raises(BacklogFullError) as refused:
            start(web, tenant, queue=queue)
        error = refused.value
        assert (error.what, error.figure, error.limit) == ("backlog", 3, 3)
        facade.set_tenant_policy(web, tenant_id=tenant, policy=replace(policy, exempt=True), paused=False)
        start(web, tenant, queue=queue)


def test_never_more_runs_a_minute_than_allowed_however_many_submit_at_once(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.web) as web:
        start(web, tenant, queue=queue)
        facade.set_tenant_policy(web, tenant_id=tenant, policy=TenantPolicy(runs_per_minute=5), paused=False)

    def submit() -> BacklogFullError | None:
        with connect(module_database.web) as own:
            try:
                start(own, tenant, queue=queue)
            except BacklogFullError as error:
                return error
        return None

    refused = [error for error in at_once([submit] * 16) if error]
    assert len(refused) == 12
    assert all(0 < error.retry_after_seconds <= 60 for error in refused)
    with connect(module_database.web) as web:
        web.execute("SET highway.now_offset = '61 seconds'")
        start(web, tenant, queue=queue)
