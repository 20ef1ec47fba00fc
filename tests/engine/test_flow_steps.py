"""Limits on steps, with real workers: never more calls at a time than there are slots, first come first served, also when workers die."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import Connection, connect
from engine.language import check
from engine.model.json import JsonObject
from tests.engine.control_steps import allow, gate
from tests.engine.definitions import task, workflow
from tests.support.flow import in_line, slots
from tests.support.runs import scalar, start, take
from tests.support.workers import Workers

# Counts itself in and out: whoever sees more than is allowed at a time says so.
_COUNTED = 'n=$(ls {folder} | wc -l); touch {folder}/$$; {meanwhile}; rm {folder}/$$; [ "$n" -lt {limit} ] && echo fine || echo crowded'


def counted(workers: Workers, limits: list[dict[str, Any]], *, limit: int, meanwhile: str = "sleep 0.15") -> JsonObject:
    folder = workers.folder / "inside"
    folder.mkdir(mode=0o777, exist_ok=True)
    folder.chmod(0o777)
    command = _COUNTED.format(folder=folder, meanwhile=meanwhile, limit=limit)
    return workflow(task("work", function="tools.shell.run", args=[command], limits=limits), name="counted")


def said(workers: Workers, run: Any) -> str:
    return str(workers.result(run)["work"]["stdout"]).strip()  # type: ignore[index,call-overload]


def test_never_more_calls_of_a_step_than_slots_and_everybody_comes_through(workers: Workers) -> None:
    definition = counted(workers, [{"kind": "concurrency", "key": "shared", "limit": 2}], limit=2)
    runs = [workers.submit(definition) for _ in range(10)]
    workers.start()
    workers.start()
    for run in runs:
        assert workers.finish(run).status == "completed"
        assert said(workers, run) == "fine"
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT count(*) FROM highway.slot") == 0


def test_a_waiting_step_says_who_holds_its_slot_and_is_woken_when_it_is_given_back(workers: Workers) -> None:
    one: list[dict[str, Any]] = [{"kind": "concurrency", "key": "{{ inputs.who }}", "limit": 1}]
    workers.start()
    holds = counted(workers, one, limit=1, meanwhile=gate(workers.folder, "first"))
    first = workers.submit(holds, inputs={"who": "x"})
    workers.wait_for(workers.folder / "first.began")
    second = workers.submit(counted(workers, one, limit=1, meanwhile="true"), inputs={"who": "x"})
    run = workers.wait(second, lambda seen: seen.status == "sleeping")
    with connect(workers.database.web) as connection:
        (reason,) = facade.why_waiting(connection, tenant_id=workers.tenant, run=run)
    assert (reason.code, reason.step_key, reason.data["holders"]) == ("limit", "work", [str(first)])
    allow(workers.folder, "first")
    assert workers.finish(second).status == "completed"
    assert said(workers, second) == "fine"
    steps = [workers.steps(run)["work"].finished_at for run in (first, second)]
    assert steps == sorted(steps)  # type: ignore[type-var]


def test_a_full_worker_gives_what_it_holds_the_slots_that_come_free(workers: Workers) -> None:
    """1 a run holds the slot, 2 the only worker is full with another one, whose steps are one at work and one in line, 3 the slot comes free."""
    with connect(workers.database.web) as connection:
        start(connection, workers.tenant, flow=slots(1, key="shared"))
    (holder,) = take(workers.database.worker)
    killed = {"workflow_run_id": holder.workflow_run_id, "by": "tom@acme.test", "reason": "room"}
    shared: list[dict[str, Any]] = [{"kind": "concurrency", "key": "shared", "limit": 1}]
    long = task("long", function="tools.shell.run", args=[gate(workers.folder, "long")])
    short = task("short", function="tools.shell.run", args=[f"touch {workers.folder}/short"], limits=shared)
    run = workers.submit(workflow(long, short, name="full"))
    workers.start(capacity=1)
    workers.wait_for(workers.folder / "long.began")
    with connect(workers.database.worker) as connection:
        while in_line(connection, "shared") != [run]:
            time.sleep(0.05)  # the test's own time limit ends this
        facade.kill(connection, tenant_id=workers.tenant, **killed)
    workers.wait_for(workers.folder / "short")
    allow(workers.folder, "long")
    assert workers.finish(run).status == "completed"


def test_a_killed_worker_s_step_goes_on_with_its_slot_and_the_line_moves(workers: Workers) -> None:
    definition = counted(
        workers, [{"kind": "concurrency", "key": "shared", "limit": 1}], limit=99, meanwhile="sleep 0.6"
    )
    victim = workers.start()
    workers.wait_for_workers(1)
    runs = [workers.submit(definition) for _ in range(3)]
    until = time.monotonic() + 20
    with connect(workers.database.worker) as connection:
        while not scalar(connection, "SELECT count(*) FROM highway.slot WHERE granted_at IS NOT NULL"):
            assert time.monotonic() < until, workers.log()
            time.sleep(0.02)
        workers.start()
        workers.kill(victim)
        for run in runs:
            assert workers.finish(run).status == "completed"
        assert scalar(connection, "SELECT count(*) FROM highway.slot") == 0


def test_a_step_gives_its_slot_back_while_it_waits_for_its_next_attempt(workers: Workers) -> None:
    one = [{"kind": "concurrency", "key": "shared", "limit": 1}]
    retry = {"max_retries": 1, "delay": 600}
    failing = workflow(
        task("work", function="tools.shell.run", args=["exit 1"], limits=one, retry_policy=retry), name="failing"
    )
    workers.start()
    waiting = workers.submit(failing)
    workers.wait(waiting, lambda _: workers.steps(waiting).get("work") is not None)
    workers.wait(waiting, lambda _: workers.steps(waiting)["work"].status == "retrying")
    other = workers.submit(counted(workers, one, limit=1, meanwhile="true"))
    assert workers.finish(other).status == "completed"
    with connect(workers.database.web) as connection:
        facade.cancel(connection, tenant_id=workers.tenant, workflow_run_id=waiting)
    assert workers.finish(waiting).status == "cancelled"


def test_a_step_s_rate_spaces_its_calls(workers: Workers) -> None:
    rate: list[dict[str, Any]] = [
        {"kind": "concurrency", "key": "shared", "limit": 5},
        {"kind": "rate", "key": "calls", "limit": 2, "per_seconds": 60},
    ]
    definition = counted(workers, rate, limit=99, meanwhile="true")
    runs = [workers.submit(definition) for _ in range(5)]
    workers.start()
    workers.wait(runs[0], lambda _: _statuses(workers, runs) == ["completed"] * 2 + ["sleeping"] * 3)
    with connect(workers.database.worker) as connection:
        behind = "SELECT array_agg(round(extract(epoch FROM w.due_at - l.starts[1])) ORDER BY w.due_at)"
        rates = "FROM highway.wait w, highway.flow_limit l WHERE l.kind = 'rate'"
        assert scalar(connection, f"{behind} {rates}") == [60, 90, 120], (
            "the third and the fifth each wait for a window"
        )
        assert len(scalar(connection, "SELECT starts FROM highway.flow_limit WHERE kind = 'rate'")) == 2
        _pass(connection, "1 minute")
        workers.wait(runs[0], lambda _: _statuses(workers, runs) == ["completed"] * 3 + ["sleeping"] * 2)
        _pass(connection, "2 minutes")
    for run in runs:
        assert workers.finish(run).status == "completed"


def _statuses(workers: Workers, runs: list[UUID]) -> list[str]:
    return sorted(workers.run(run).status for run in runs)


def _pass(connection: Connection, passed: str) -> None:
    """All that the limits and the waiting steps go by becomes so much older."""
    for change in (
        "flow_limit SET starts = ARRAY(SELECT s - %s::interval FROM unnest(starts) s), next_start = next_start - %s::interval",
        "wait SET due_at = due_at - %s::interval",
        "task SET available_at = available_at - %s::interval",
    ):
        connection.execute(f"UPDATE highway.{change}", [passed] * change.count("%s"))


def test_branches_and_transactional_steps_take_turns_too(workers: Workers) -> None:
    one = [{"kind": "concurrency", "key": "counter", "limit": 1}]

    def add(name: str) -> dict[str, Any]:
        call = {"function": "tools.simple_counter.increment", "args": ["n"], "metadata": {"limits": one}}
        return {"tasks": {name: task(name, **call)}}

    fork = {
        "task_id": "fork",
        "operator_type": "parallel",
        "dependencies": [],
        "branch_workflows": {name: add(name) for name in "abc"},
    }
    join = task("join", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{ fork }}"])
    workers.start()
    run = workers.submit(workflow(fork, join, name="forked"))
    assert workers.finish(run).status == "completed"
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter") == 3
        assert scalar(connection, "SELECT count(*) FROM highway.slot") == 0


def test_real_workers_take_slots_of_runs_in_their_order(workers: Workers) -> None:
    limits = {"limits": [{"kind": "concurrency", "limit": 1}]}
    definition = workflow(task("work", function="tools.log.info", args=["hello"]), name="serial", **limits)
    runs = [workers.submit(definition) for _ in range(6)]
    workers.start()
    workers.start()
    views = [workers.finish(run) for run in runs]
    ends = [view.finished_at for view in views]
    assert ends == sorted(ends)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ({"kind": "rate", "limit": 2}, "per_seconds"),
        ({"kind": "concurrency", "limit": 0}, "limit"),
        ({"kind": "rate", "limit": 5000, "per_seconds": 1}, "shorter time"),
        ({"kind": "concurrency", "key": "{{ nothing.known }}"}, "inputs only"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_its_place(limit: dict[str, Any], problem: str) -> None:
    found = check(workflow(task("a"), limits=[limit]), None, ())
    assert any(problem in one.message and one.path.startswith("$.limits[0]") for one in found), found


def test_a_step_s_limit_is_checked_like_its_other_templates() -> None:
    key = {"kind": "concurrency", "key": "{{ nobody }}"}
    (found,) = [one for one in check(workflow(task("a", limits=[key])), None, ()) if one.severity == "error"]
    assert found.path == "$.tasks.a.limits[0].key"
    rate = {"kind": "throttle", "key": "k", "per_seconds": 1}
    assert any("at most one rate" in one.message for one in check(workflow(task("a", limits=[rate, rate])), None, ()))
