"""Circuit breakers open, isolate, probe and close, exactly, and real workers obey them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine.db.connection import connect
from engine.db.queries import load
from engine.language import check, read_definition
from engine.model.breakers import BreakerPolicy
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.operators.task.guarding import breaker_of
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.engine.definitions import task, workflow
from tests.support.databases import Database
from tests.support.guards import ONCE, admit, breaker, ended, isolation_is_over
from tests.support.runs import scalar, start, take, write
from tests.support.workers import Workers

THREE = BreakerPolicy(failure_threshold=3, success_threshold=2, isolation_seconds=60)


def _claims(database: Database, connection: psycopg.Connection[Any], tenant: UUID, number: int) -> list[ClaimedTask]:
    for _ in range(number):
        start(connection, tenant, queue=str(tenant))
    return take(database.worker, quantity=number, queues=(str(tenant),))


def _state(connection: psycopg.Connection[Any], tenant: UUID) -> str:
    row = breaker(connection, tenant)
    return row["state"] if row else "none"


def test_only_failures_in_a_row_open_a_breaker(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant, 1)
        for outcome in ("failed", "failed", "succeeded", "failed", "neutral", "failed"):
            write(module_database.worker, ended(one, outcome, THREE))  # type: ignore[arg-type]
        assert _state(connection, tenant) == "closed"
        assert admit(connection, one)["admitted"]
        write(module_database.worker, ended(one, "failed", THREE))
        refused = admit(connection, one)
        assert (refused["admitted"], refused["state"]) == (False, "open")
        assert 50 < refused["seconds"] <= 60


def test_failures_of_one_batch_count_one_after_the_other(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        claims = _claims(module_database, connection, tenant, 4)
        outcomes = ("failed", "failed", "succeeded", "failed")
        write(
            module_database.worker,
            *(ended(one, outcome, THREE) for one, outcome in zip(claims, outcomes, strict=True)),  # type: ignore[arg-type]
        )
        row = breaker(connection, tenant)
        assert row is not None
        assert (row["state"], row["consecutive_failures"]) == ("closed", 1)


def test_a_resource_that_never_failed_has_no_row(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant, 1)
        write(module_database.worker, ended(one, "succeeded"))
        assert _state(connection, tenant) == "none"


def test_successes_of_probes_close_it_and_one_failure_opens_it_again(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant, 1)
        for _ in range(3):
            write(module_database.worker, ended(one, "failed", THREE))
        isolation_is_over(connection, tenant)
        assert admit(connection, one)["admitted"]
        write(module_database.worker, ended(one, "succeeded", THREE))
        assert _state(connection, tenant) == "half_open"
        assert admit(connection, one)["admitted"]
        write(module_database.worker, ended(one, "failed", THREE))
        assert _state(connection, tenant) == "open"
        isolation_is_over(connection, tenant)
        for _ in range(2):
            assert admit(connection, one)["admitted"]
            write(module_database.worker, ended(one, "succeeded", THREE))
        assert _state(connection, tenant) == "closed"
        told = [
            row[0]
            for row in connection.execute(
                "SELECT kind FROM highway.journal WHERE tenant_id = %s AND kind LIKE 'breaker_%%' ORDER BY seq",
                [tenant],
            )
        ]
        assert told == [
            "breaker_opened",
            "breaker_half_open",
            "breaker_opened",
            "breaker_half_open",
            "breaker_closed",
        ]


def test_sixteen_at_once_are_one_probe(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        claims = _claims(module_database, connection, tenant, 16)
        write(module_database.worker, ended(claims[0]))
        isolation_is_over(connection, tenant)

        def ask(one: ClaimedTask) -> bool:
            with connect(module_database.worker) as own:
                return bool(admit(own, one)["admitted"])

        for _ in range(3):
            with ThreadPoolExecutor(16) as threads:
                admitted = list(threads.map(ask, claims))
            assert admitted.count(True) == 1
            write(module_database.worker, ended(claims[admitted.index(True)], "neutral"))


def test_a_probe_dies_with_its_claim(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        one, other = _claims(module_database, connection, tenant, 2)
        write(module_database.worker, ended(one))
        isolation_is_over(connection, tenant)
        assert admit(connection, one)["admitted"]
        assert not admit(connection, other)["admitted"]
        write(module_database.worker, TaskWrites(one, waits=[WaitWrite("t", "timer", seconds=60)], exit=Suspended()))
        assert admit(connection, other)["admitted"]


def test_late_answers_of_calls_that_began_before_change_nothing(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        early, probe = _claims(module_database, connection, tenant, 2)
        write(module_database.worker, ended(probe))
        write(module_database.worker, ended(early, "succeeded"))
        assert _state(connection, tenant) == "open"
        isolation_is_over(connection, tenant)
        assert admit(connection, probe)["admitted"]
        write(module_database.worker, ended(early, "failed"), ended(early, "succeeded"))
        assert _state(connection, tenant) == "half_open"


def test_breakers_of_two_tenants_know_nothing_of_each_other(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    with connect(module_database.worker) as connection:
        (mine,) = _claims(module_database, connection, tenant, 1)
        (theirs,) = _claims(module_database, connection, other_tenant, 1)
        write(module_database.worker, ended(mine))
        assert not admit(connection, mine)["admitted"]
        assert admit(connection, theirs)["admitted"]
    with connect(module_database.web) as web, web.transaction():
        web.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(other_tenant)])
        every = {"states": None, "after_key": "", "after_workflow": "", "quantity": 10}
        assert load("breaker").list.many(web, tenant_id=tenant, **every) == []


ANY = StepError("tool", "m", "ConnectionError")


@pytest.mark.parametrize(
    ("policy", "error", "outcome"),
    [
        ({}, None, "succeeded"),
        ({}, ANY, "failed"),
        ({}, StepError("timeout", "m", "Timeout"), "failed"),
        ({}, StepError("input", "m"), "neutral"),
        ({"counted": frozenset({"input"})}, StepError("input", "m"), "failed"),
        ({"counted": frozenset({"timeout"})}, ANY, "succeeded"),
        ({"counted": frozenset({"ConnectionError"})}, ANY, "failed"),
        ({"ignored": frozenset({"ConnectionError"})}, ANY, "succeeded"),
        ({"counted": frozenset({"tool"}), "ignored": frozenset({"ConnectionError"})}, ANY, "succeeded"),
    ],
)
def test_what_an_error_says_about_the_resource(policy: dict[str, Any], error: StepError | None, outcome: str) -> None:
    assert BreakerPolicy(**policy).outcome(error) == outcome


def test_the_policy_is_read_as_the_builder_writes_it() -> None:
    written = {"failure_threshold": 2, "isolation_duration_seconds": 7.5, "ignore_exceptions": ["X"]}
    definition = workflow(task("a", circuit_breaker_policy=written, metadata={"resource": "r"}))
    assert check(definition) == []
    policy = breaker_of(read_definition(definition).tasks["a"])  # type: ignore[arg-type]
    assert policy == BreakerPolicy(2, 2, 7.5, None, frozenset({"X"}), "r")


def test_a_bad_resource_and_scope_are_problems() -> None:
    metadata = {"resource": "a b", "circuit_breaker_scope": "galaxy"}
    problems = check(workflow(task("a", circuit_breaker_policy={}, metadata=metadata)))
    assert {problem.code for problem in problems} == {"bad_resource", "bad_scope"}


def _guarded(command: str, **policy: Any) -> dict[str, Any]:
    return workflow(
        task(
            "call",
            function="tools.shell.run",
            args=[command],
            circuit_breaker_policy={"failure_threshold": 2, "success_threshold": 1} | policy,
            retry_policy={"max_retries": 200, "delay": 0.1, "backoff_factor": 1.0},
            metadata={"resource": "flaky"},
        )
    )


def _kinds(workers: Workers, run: UUID) -> list[object]:
    step = workers.steps(run).get("call")
    return [attempt.error["kind"] for attempt in step.attempts] if step else []


def test_a_worker_stops_calling_waits_and_finds_out_by_one_probe(workers: Workers) -> None:
    workers.start()
    calls = workers.folder / "calls"
    script = f"echo x >> {calls}; [ $(wc -l < {calls}) -ge 3 ]"  # fails twice, then succeeds
    run = workers.submit(_guarded(script, isolation_duration=600))
    workers.wait(run, lambda _: "circuit_open" in _kinds(workers, run))
    with connect(workers.database.worker) as connection:
        connection.execute("UPDATE highway.breaker SET open_until = highway.now() WHERE state = 'open'")
    assert workers.finish(run).status == "completed"
    assert calls.read_text() == "x\nx\nx\n", "an open breaker lets no call through"
    kinds = _kinds(workers, run)
    assert kinds[:2] == ["tool", "tool"]
    assert set(kinds[2:]) == {"circuit_open"}
    assert len(kinds) >= 3
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT state FROM highway.breaker") == "closed"


def test_a_step_without_retries_fails_fast_while_it_is_open(workers: Workers) -> None:
    workers.start()
    broken = workers.submit(_guarded("exit 1", isolation_duration=60) | {"name": "first"})
    workers.wait(broken, lambda _: "call" in workers.steps(broken) and len(workers.steps(broken)["call"].attempts) >= 3)
    fast = _guarded(f"touch {workers.folder}/called")
    fast["tasks"]["call"]["retry_policy"] = {"max_retries": 0}
    ended_run = workers.finish(workers.submit(fast))
    assert ended_run.error is not None
    assert ended_run.error["kind"] == "circuit_open"
    assert not (workers.folder / "called").exists()
    with connect(workers.database.worker) as connection:
        connection.execute("SELECT highway.cancel_run(%s, %s)", [workers.tenant, broken])
    workers.finish(broken)


def test_a_closed_breaker_costs_no_question_a_call(module_database: Database, tenant: UUID) -> None:
    from engine.db.pool import Pool
    from engine.durable.cancellation import Cancellation
    from engine.model.commands import CallTool
    from engine.tools import registry
    from engine.worker.breakers import Breakers

    with connect(module_database.worker) as connection:
        (one,) = _claims(module_database, connection, tenant, 1)
    pool = Pool(module_database.worker, size=1, name="asked")
    breakers = Breakers(pool)
    call = CallTool("call", "call", "tools.http.request", ["http://a.example:8080/x"], {}, breaker=ONCE)
    guarded = breakers.guard(one, registry[call.tool], call)
    assert guarded is not None
    assert guarded.resource_key == "tools.http.request:a.example:8080"
    assert breakers.refusal(guarded, Cancellation()) is None
    pool.close()  # from here on a question would fail
    for _ in range(100):
        assert breakers.refusal(guarded, Cancellation()) is None
