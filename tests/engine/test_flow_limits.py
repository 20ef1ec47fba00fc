"""Limits on runs: slots and starts, exact whoever claims at once, in order, never leaked."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError
from engine.model.flow import FlowLimit, FlowOptions
from engine.queue.writes import HandedBack, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.flow import at_once, end, grant, held, in_line, rate, slots, wake
from tests.support.interleaving import problems
from tests.support.runs import ONE_TASK, scalar, start, take, write

QUIET = 60.0  # seconds of grace: these tests claim for a worker that never introduced itself


@pytest.fixture
def queue(module_database: Database) -> str:
    """A queue of the test's own: the tests of this module share a database."""
    return f"q{uuid4().hex[:10]}"


def claimed(database: Database, queue: str, quantity: int = 50) -> list[UUID]:
    return [task.task_id for task in take(database.worker, quantity=quantity, queues=(queue,))]


def test_so_many_runs_at_a_time_as_there_are_slots_and_the_others_wait_in_order(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=slots(2)) for _ in range(5)]
        first = take(module_database.worker, queues=(queue,))
        assert [task.task_id for task in first] == runs[:2]
        assert in_line(connection) == runs[2:]
        for place in (2, 3, 4):
            assert claimed(module_database, queue) == []
            end(module_database, first.pop())
            assert grant(module_database) == 1
            first += take(module_database.worker, queues=(queue,))
            assert first[-1].task_id == runs[place]
        end(module_database, *first)
        assert held(connection) == []
    assert problems(module_database.worker, grace_seconds=QUIET) == []


def test_never_more_than_the_limit_with_sixteen_claimers_at_once(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        for _ in range(48):
            start(connection, tenant, queue=queue, flow=slots(5))
        done = 0
        while done < 48:
            grant(module_database)
            taken = at_once([lambda: take(module_database.worker, quantity=3, queues=(queue,)) for _ in range(16)])
            tasks = [task for part in taken for task in part]
            assert len(tasks) <= 5
            assert len(held(connection)) <= 5
            end(module_database, *tasks)
            done += len(tasks)
    assert problems(module_database.worker, grace_seconds=QUIET) == []


def test_never_more_starts_than_the_rate_in_any_window_with_sixteen_claimers(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        for _ in range(40):
            start(connection, tenant, queue=queue, flow=rate(7, 60))
        taken = at_once([lambda: claimed(module_database, queue, 4) for _ in range(16)])
        late = [claimed(module_database, queue) for _ in range(3)]  # of runs whose claim found others busy for long
        assert sum(len(part) for part in taken + late) == 7
        query = "SELECT available_at FROM highway.task WHERE queue = %s AND state = 'sleeping' ORDER BY task_id"
        places = [row[0] for row in connection.execute(query, [queue])]
        assert len(places) == len(set(places)) == 33, "everybody has a place in time of their own: no herd"


def test_a_rate_lets_the_next_start_exactly_when_the_first_is_a_window_ago(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=rate(2, 100)) for _ in range(6)]
        assert claimed(module_database, queue) == runs[:2]
        for later, expected in (("90 seconds", []), ("101 seconds", runs[2:3]), ("160 seconds", runs[3:4])):
            wake(module_database, later)
            connection.execute(f"SET highway.now_offset = '{later}'")
            seen = facade_claim(connection, queue)
            assert seen == expected, later
        assert len(scalar(connection, "SELECT starts FROM highway.flow_limit WHERE tenant_id = %s", tenant)) == 2


def facade_claim(connection: Any, queue: str) -> list[UUID]:
    from engine.queue.claims import claim

    return [task.task_id for task in claim(connection, worker_id=uuid4(), queues=(queue,), quantity=10)]


def test_a_throttle_starts_one_a_period_and_the_others_in_their_order(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    throttle = FlowOptions(limits=(FlowLimit("throttle", "t", per_seconds=30),))
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=throttle) for _ in range(4)]
        assert claimed(module_database, queue) == runs[:1]
        for place, later in enumerate(("31 seconds", "62 seconds", "93 seconds"), start=1):
            connection.execute(f"SET highway.now_offset = '{later}'")
            wake(module_database, later)
            assert facade_claim(connection, queue) == runs[place : place + 1]


def test_a_newcomer_does_not_take_the_start_of_one_that_was_given_its_place(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=rate(1, 60)) for _ in range(2)]
        assert claimed(module_database, queue) == runs[:1]
        start(connection, tenant, queue=queue, flow=rate(1, 60), priority=100)
        connection.execute("SET highway.now_offset = '59 seconds'")
        assert facade_claim(connection, queue) == []
        connection.execute("SET highway.now_offset = '61 seconds'")
        wake(module_database, "61 seconds")
        assert facade_claim(connection, queue) == runs[1:]


def test_limits_of_a_definition_hold_for_all_its_runs_each_by_its_own_key(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    definition = ONE_TASK | {
        "name": "by_customer",
        "limits": [{"kind": "concurrency", "key": "customer:{{ inputs.customer.id }}", "limit": 1}],
    }
    with connect(module_database.worker) as connection:
        runs = [
            start(connection, tenant, definition, queue=queue, inputs={"customer": {"id": name}}) for name in "aabb"
        ]
        assert claimed(module_database, queue) == [runs[0], runs[2]]
        assert in_line(connection, "customer:b") == [runs[3]]
        with pytest.raises(InvalidError, match=r"inputs\.customer\.id"):
            start(connection, tenant, definition, queue=queue)


@pytest.mark.parametrize(("max_active_runs", "started"), [(1, 4), (2, 2)])
def test_max_active_runs_is_a_limit_when_it_says_more_than_every_builder_writes(
    module_database: Database, tenant: UUID, queue: str, max_active_runs: int, started: int
) -> None:
    definition = ONE_TASK | {"max_active_runs": max_active_runs}
    with connect(module_database.worker) as connection:
        for _ in range(4):
            start(connection, tenant, definition, queue=queue)
    assert len(claimed(module_database, queue)) == started


def test_a_run_keeps_its_slot_over_sleep_hand_back_and_rescue(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        run, other = (start(connection, tenant, queue=queue, flow=slots(1)) for _ in range(2))
        for leave in (
            lambda task: TaskWrites(task, waits=[WaitWrite("nap", "timer", seconds=0)], exit=Suspended()),
            lambda task: TaskWrites(task, exit=HandedBack()),
        ):
            (task,) = take(module_database.worker, queues=(queue,))
            write(module_database.worker, leave(task))
            assert held(connection) == [run]
            assert grant(module_database) == 0
        (task,) = take(module_database.worker, queues=(queue,))
        assert task.task_id == run
        end(module_database, task, state="failed")
        assert grant(module_database) == 1
        assert claimed(module_database, queue) == [other]


@pytest.mark.parametrize("how", ["cancel_holder", "cancel_waiter"])
def test_a_cancelled_run_leaves_its_slot_or_its_place_in_the_line(
    module_database: Database, tenant: UUID, queue: str, how: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=slots(1)) for _ in range(3)]
        (task,) = take(module_database.worker, queues=(queue,))
        if how == "cancel_holder":
            write(module_database.worker, TaskWrites(task, exit=HandedBack(60)))
            facade.cancel(connection, tenant_id=tenant, workflow_run_id=runs[0])
            assert grant(module_database) == 1
            assert claimed(module_database, queue) == [runs[1]]
        else:
            facade.cancel(connection, tenant_id=tenant, workflow_run_id=runs[1])
            end(module_database, task)
            assert grant(module_database) == 1
            assert claimed(module_database, queue) == [runs[2]]
    assert problems(module_database.worker, grace_seconds=QUIET) == []


def test_a_run_that_needs_two_slots_waits_for_the_second_while_it_holds_the_first(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    both = FlowOptions(limits=(FlowLimit("concurrency", "b"), FlowLimit("concurrency", "a")))
    with connect(module_database.worker) as connection:
        holder = start(connection, tenant, queue=queue, flow=slots(1, "b"))
        (task,) = take(module_database.worker, queues=(queue,))
        run = start(connection, tenant, queue=queue, flow=both)
        assert claimed(module_database, queue) == []
        assert (held(connection, "a"), in_line(connection, "b")) == ([run], [run])
        assert task.task_id == holder
        end(module_database, task)
        assert grant(module_database) == 1
        assert claimed(module_database, queue) == [run]


def test_a_larger_limit_lets_the_line_go_on_at_once_and_a_smaller_one_takes_nothing_away(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=slots(2)) for _ in range(5)]
        which = {"tenant_id": tenant, "kind": "concurrency", "key": "k"}
        assert len(claimed(module_database, queue)) == 2
        assert facade.change_limit(connection, **which, capacity=4, by="ann").capacity == 4
        assert grant(module_database) == 2
        assert claimed(module_database, queue) == runs[2:4]
        seen = facade.change_limit(connection, **which, capacity=1, by="ann")
        assert (seen.held, seen.waiting, len(seen.holders)) == (4, 1, 4)
        start(connection, tenant, queue=queue, flow=slots(9))
        claimed(module_database, queue)
        assert facade.get_limit(connection, **which).capacity == 1, "pinned: a submission does not change it"
        with pytest.raises(NotFoundError):
            facade.change_limit(connection, tenant_id=tenant, kind="rate", key="k", capacity=1)


def test_why_a_run_waits_names_the_limit_its_holders_and_the_place_in_the_line(
    module_database: Database, tenant: UUID, queue: str
) -> None:
    with connect(module_database.worker) as connection:
        runs = [start(connection, tenant, queue=queue, flow=slots(1)) for _ in range(3)]
        late = [start(connection, tenant, queue=queue, flow=rate(1, 60)) for _ in range(2)]
        claimed(module_database, queue)
        view = facade.get_run(connection, tenant_id=tenant, workflow_run_id=runs[2])
        (reason,) = facade.why_waiting(connection, tenant_id=tenant, run=view)
        assert reason.code == "limit"
        assert reason.data == {"limit": "k", "capacity": 1, "position": 2, "holders": [str(runs[0])]}
        view = facade.get_run(connection, tenant_id=tenant, workflow_run_id=late[1])
        (reason,) = facade.why_waiting(connection, tenant_id=tenant, run=view)
        assert (reason.code, reason.data) == ("rate", {"limit": "r"})
        assert reason.until is not None
