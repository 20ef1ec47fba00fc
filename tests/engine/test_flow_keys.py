"""Submissions that meet under a key: one open run (singleton), the last one counts (debounce), gathered into one (batch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotFoundError, StateError
from engine.kit.ids import uuid7
from engine.model.flow import Batch, Debounce, FlowOptions, Singleton
from tests.support.databases import Database
from tests.support.flow import at_once, end, grant, wake
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, scalar, start, take

SINGLE = FlowOptions(singleton=Singleton("s"))
CALM = FlowOptions(debounce=Debounce("d", 30, 50))
THREE = FlowOptions(batch=Batch("b", 3, 60))


@pytest.fixture
def web(module_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with connect(module_database.web) as connection:
        yield connection


def go(web: psycopg.Connection[Any], tenant: UUID, flow: FlowOptions, **inputs: Any) -> UUID:
    return start(web, tenant, flow=flow, inputs=inputs, queue=str(tenant))


def claimed(database: Database, tenant: UUID) -> list[Any]:
    return take(database.worker, queues=(str(tenant),))


def inputs_of(web: psycopg.Connection[Any], tenant: UUID, run: UUID) -> Any:
    return facade.get_run(web, tenant_id=tenant, workflow_run_id=run).inputs


def test_a_second_submission_of_a_singleton_is_the_open_run_and_after_its_end_a_new_one(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID, other_tenant: UUID
) -> None:
    first = go(web, tenant, SINGLE)
    assert go(web, tenant, SINGLE) == first
    assert go(web, other_tenant, SINGLE) != first, "a key is the tenant's own"
    end(module_database, *claimed(module_database, tenant))
    assert go(web, tenant, SINGLE) != first


AGAIN: dict[str, Callable[..., Any]] = {
    "retry": lambda web, **which: facade.retry(web, **which).workflow_run_id,
    "fork": lambda web, **which: facade.fork(web, **which, from_step="only", by="ann").workflow_run_id,
    "restart": lambda web, **which: facade.restart(web, **which, by="ann", reason="") and which["workflow_run_id"],
}


@pytest.mark.parametrize("how", AGAIN)
def test_a_singleton_is_one_also_when_it_is_done_again(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID, how: str
) -> None:
    first = go(web, tenant, SINGLE)
    end(module_database, *claimed(module_database, tenant), state="failed")
    again = lambda: AGAIN[how](web, tenant_id=tenant, workflow_run_id=first)  # noqa: E731
    other = go(web, tenant, SINGLE)
    with pytest.raises(StateError, match=f"run {other} is open under the key s"):
        again()
    end(module_database, *claimed(module_database, tenant))
    repeated = again()
    assert go(web, tenant, SINGLE) == repeated, "it stands under the key"
    end(module_database, *claimed(module_database, tenant))
    assert go(web, tenant, SINGLE) not in (first, other, repeated), "and has given it back"
    assert problems(module_database.worker, grace_seconds=60) == []


def test_a_singleton_can_refuse_or_queue(module_database: Database, web: psycopg.Connection[Any], tenant: UUID) -> None:
    refuse = FlowOptions(singleton=Singleton("s", "refuse"))
    first = go(web, tenant, refuse)
    with pytest.raises(StateError, match=str(first)):
        go(web, tenant, refuse)
    queued = FlowOptions(singleton=Singleton("q", "queue"))
    one, two = go(web, tenant, queued), go(web, tenant, queued)
    tasks = claimed(module_database, tenant)
    assert [task.task_id for task in tasks] == [first, one]
    end(module_database, *tasks)
    assert grant(module_database) == 1
    assert [task.task_id for task in claimed(module_database, tenant)] == [two]


@pytest.mark.parametrize("flow", [SINGLE, CALM, FlowOptions(batch=Batch("b", 16, 60))])
def test_sixteen_submissions_at_once_are_one_run(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID, flow: FlowOptions
) -> None:
    def submit(number: int) -> UUID:
        with connect(module_database.web) as own:
            return go(own, tenant, flow, n=number)

    go(web, tenant, FlowOptions())  # the definition is there
    runs = at_once([lambda n=n: submit(n) for n in range(16)])  # type: ignore[misc]
    assert len(set(runs)) == 1
    if flow.batch:
        items = inputs_of(web, tenant, runs[0])["items"]
        assert sorted(item["n"] for item in items) == list(range(16))
    assert problems(module_database.worker, grace_seconds=60) == []


def test_a_debounced_run_starts_once_with_the_last_inputs_and_not_later_than_its_limit(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID
) -> None:
    run = go(web, tenant, CALM, n=1)
    for offset, n in (("20 seconds", 2), ("45 seconds", 3)):
        web.execute(f"SET highway.now_offset = '{offset}'")
        assert go(web, tenant, CALM, n=n) == run
    wake(module_database, "49 seconds")
    assert claimed(module_database, tenant) == []
    wake(module_database, "51 seconds")  # 50 s after the first at the latest
    (task,) = claimed(module_database, tenant)
    assert (task.task_id, task.inputs) == (run, {"n": 3})
    assert go(web, tenant, CALM, n=4) != run, "it has begun: the next flurry is a run of its own"


def test_the_deadline_of_a_debounced_run_is_counted_from_the_start_that_it_has_in_the_end(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID
) -> None:
    definition = ONE_TASK | {"name": "hurried", "deadline_seconds": 10}
    run = start(web, tenant, definition, flow=CALM, queue=str(tenant))
    web.execute("SET highway.now_offset = '20 seconds'")
    assert start(web, tenant, definition, flow=CALM, queue=str(tenant)) == run
    left = "SELECT extract(epoch FROM r.deadline_at - t.available_at) FROM highway.workflow_run AS r JOIN highway.task AS t USING (workflow_run_id)"
    with connect(module_database.worker) as worker:
        assert scalar(worker, f"{left} WHERE workflow_run_id = %s", run) == 10, "it would be over before it began"


def test_a_batch_starts_when_it_is_full_or_when_its_time_is_over(
    module_database: Database, web: psycopg.Connection[Any], tenant: UUID
) -> None:
    full = {go(web, tenant, THREE, n=n) for n in range(3)}
    (task,) = claimed(module_database, tenant)
    assert full == {task.task_id}
    assert task.inputs == {"items": [{"n": 0}, {"n": 1}, {"n": 2}]}
    part = go(web, tenant, THREE, n=3)
    assert claimed(module_database, tenant) == []
    wake(module_database, "61 seconds")
    (task,) = claimed(module_database, tenant)
    assert (task.task_id, task.inputs) == (part, {"items": [{"n": 3}]})


def test_a_key_is_free_when_its_submission_fails_or_rolls_back(web: psycopg.Connection[Any], tenant: UUID) -> None:
    with pytest.raises(NotFoundError):
        facade.submit(web, tenant_id=tenant, definition_id=uuid7(), inputs={}, flow=SINGLE)
    with pytest.raises(RuntimeError), web.transaction():
        go(web, tenant, SINGLE)
        raise RuntimeError
    first = go(web, tenant, SINGLE)
    facade.cancel(web, tenant_id=tenant, workflow_run_id=first)
    assert go(web, tenant, SINGLE) != first


def test_a_cancelled_flurry_is_over(web: psycopg.Connection[Any], tenant: UUID) -> None:
    for flow in (CALM, THREE):
        run = go(web, tenant, flow)
        facade.cancel(web, tenant_id=tenant, workflow_run_id=run)
        assert go(web, tenant, flow) != run
        with web.transaction():
            web.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
            assert scalar(web, "SELECT count(*) FROM highway.run_key WHERE workflow_run_id = %s", run) == 0
