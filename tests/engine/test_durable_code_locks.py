"""Durable code that holds locks, sends heartbeats, starts anew and sets variables that others may have set meanwhile."""

from __future__ import annotations

import textwrap
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from tests.engine.definitions import task, workflow
from tests.support.activities import with_activity
from tests.support.guards import line
from tests.support.workers import Workers


def _step(code: str, **kwargs: Any) -> JsonObject:
    more = {name: kwargs.pop(name) for name in ("retry_policy",) if name in kwargs}
    given = {"code": textwrap.dedent(code), **kwargs}
    return workflow(task("work", function="tools.code.durable", kwargs=given, **more))


def _line(workers: Workers) -> list[UUID]:
    with connect(workers.database.worker) as connection:
        return line(connection, workers.tenant)


def _emit(workers: Workers, run: UUID, name: str) -> None:
    workers.ask(facade.emit_event, run, name=name)


_HOLDS = """
    def main(ctx):
        with ctx.lock("door") as lock:
            ctx.step("inside", lambda: lock.fencing)
            ctx.wait_for_event("go", timeout=60)
            ctx.step("still inside", lambda: lock.fencing)
        return ctx.step("outside", lambda: lock.fencing)
"""


def test_a_lock_is_held_over_waits_and_the_next_in_line_waits_without_a_slot(workers: Workers) -> None:
    workers.start()
    first = workers.submit(_step(_HOLDS))
    workers.wait(first, lambda run: run.status == "sleeping" and "work.inside" in workers.steps(first))
    second = workers.submit(_step(_HOLDS))
    workers.wait(second, lambda run: run.status == "sleeping")
    assert _line(workers) == [first, second]
    with connect(workers.database.web) as connection:
        run = facade.get_run(connection, tenant_id=workers.tenant, workflow_run_id=second)
        (why,) = facade.why_waiting(connection, tenant_id=workers.tenant, run=run)
    assert (why.code, str(first) in why.text) == ("lock", True)
    _emit(workers, first, "go")
    assert workers.finish(first).status == "completed"
    _emit(workers, second, "go")
    assert workers.finish(second).status == "completed"
    numbers = [workers.result(run_id)["work"] for run_id in (first, second)]
    assert numbers == sorted(numbers)  # type: ignore[type-var]
    assert _line(workers) == []


def test_a_lock_outlives_its_worker_and_is_let_go_of_at_the_end_of_its_block(workers: Workers) -> None:
    process = workers.start()
    run = workers.submit(
        _step(
            """
            def main(ctx):
                import time
                with ctx.lock("door") as lock:
                    ctx.step("inside", lambda: 1)
                    ctx.step("slow", lambda: time.sleep(5))
                ctx.step("outside", lambda: 1)
                ctx.wait_for_event("go", timeout=60)
            """
        )
    )
    workers.wait(run, lambda _: "work.inside" in workers.steps(run))
    workers.kill(process)
    assert _line(workers) == [run]
    process = workers.start()
    workers.wait(run, lambda _: "work.outside" in workers.steps(run), seconds=60)
    assert _line(workers) == []
    workers.wait(run, lambda seen: seen.status == "sleeping")
    workers.kill(process)
    workers.start()
    _emit(workers, run, "go")
    assert workers.finish(run, seconds=60).status == "completed"


def test_a_worker_that_dies_behind_the_block_is_not_waited_for_by_the_lock(workers: Workers) -> None:
    """The wait for the lock is still the step's open wait then, and its ticket is gone."""
    process = workers.start()
    run = workers.submit(
        _step(
            """
            def main(ctx):
                import time
                with ctx.lock("door"):
                    pass
                ctx.step("outside", lambda: 1)
                return ctx.step("slow", lambda: time.sleep(1))
            """
        )
    )
    workers.wait(run, lambda _: "work.outside" in workers.steps(run))
    workers.kill(process)
    workers.start()
    assert workers.finish(run, seconds=60).status == "completed"


def test_the_next_attempt_takes_its_locks_anew(workers: Workers) -> None:
    workers.start()
    run = workers.submit(
        _step(
            """
            def main(ctx):
                with ctx.lock("door") as lock:
                    kept = ctx.step("once", lambda: lock.fencing)
                    if ctx.attempt == 1:
                        raise RuntimeError("once more")
                    return [kept, lock.fencing]
            """,
            retry_policy={"max_retries": 1, "delay": 0.05},
        )
    )
    assert workers.finish(run).status == "completed"
    numbers = workers.result(run)["work"]
    assert isinstance(numbers, list)
    assert len(set(map(str, numbers))) == 2, (
        "its step kept the number of the first attempt, and the lock has one of its own"
    )
    assert _line(workers) == []


def test_an_attempt_that_dies_inside_gives_its_lock_back_while_it_waits_for_the_next(workers: Workers) -> None:
    workers.start()
    run = workers.submit(
        _step(
            """
            def main(ctx):
                import os
                with ctx.lock("door"):
                    ctx.step("inside", lambda: 1)
                    if ctx.attempt == 1:
                        os._exit(3)
            """,
            retry_policy={"max_retries": 1, "delay": 600},
        )
    )
    workers.wait(run, lambda seen: seen.status == "sleeping" and "work.inside" in workers.steps(run))
    assert _line(workers) == []
    workers.hurry(run)
    assert workers.finish(run).status == "completed"


def test_a_time_limit_of_a_lock_is_told_to_the_code(workers: Workers) -> None:
    workers.start()
    holder = workers.submit(_step(_HOLDS))
    workers.wait(holder, lambda _: "work.inside" in workers.steps(holder))
    late = workers.submit(
        _step(
            """
            def main(ctx):
                try:
                    with ctx.lock("door", timeout=0.2):
                        return "inside"
                except StepFailed as error:
                    return error.type
            """
        )
    )
    assert workers.finish(late).status == "completed"
    assert workers.result(late)["work"] == "LockTimeout"
    assert _line(workers) == [holder]
    _emit(workers, holder, "go")
    workers.finish(holder)


def test_a_restarted_run_takes_the_locks_again_that_it_held(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_step(_HOLDS))
    workers.wait(run, lambda seen: seen.status == "sleeping" and "work.inside" in workers.steps(run))
    workers.ask(facade.cancel, run)
    workers.finish(run)
    assert _line(workers) == []
    workers.ask(facade.restart, run, by="ann")
    workers.wait(run, lambda seen: seen.status == "sleeping")
    assert _line(workers) == [run]
    _emit(workers, run, "go")
    assert workers.finish(run).status == "completed"
    assert _line(workers) == []


def test_code_that_continues_as_new_leaves_one_run_for_each_round_also_when_its_worker_is_killed(
    workers: Workers,
) -> None:
    first = workers.submit(
        workflow(
            task(
                "work",
                function="tools.code.durable",
                kwargs={
                    "code": textwrap.dedent(
                        """
                        def main(ctx, number):
                            with ctx.transaction("count") as tx:
                                tx.counter_add("rounds")
                            with ctx.lock("door"):
                                if number < 4:
                                    ctx.continue_as_new({"number": number + 1})
                            return number
                        """
                    ),
                    "inputs": {"number": "{{inputs.number}}"},
                },
            )
        ),
        inputs={"number": 1},
    )
    process = workers.start()
    workers.wait(first, lambda run: not run.is_open, seconds=60)
    workers.kill(process)
    workers.start()
    run = workers.finish(first)
    rounds = 1
    while run.continued_to is not None:
        run, rounds = workers.finish(run.continued_to, seconds=60), rounds + 1
    assert (run.status, rounds) == ("completed", 4), run.error
    assert workers.result(run.workflow_run_id)["work"] == 4
    with connect(workers.database.worker) as connection:
        counted = connection.execute("SELECT value FROM highway.counter WHERE name = 'rounds'").fetchone()
    assert counted == (4,)
    assert _line(workers) == []


def test_heartbeats_of_durable_code_in_an_activity_are_told_to_its_next_attempt(workers: Workers) -> None:
    workers.start()
    code = """
        def main(ctx):
            before = ctx.last_details
            assert ctx.heartbeat({"at": ctx.attempt})
            if ctx.attempt == 1:
                raise RuntimeError("once more")
            return before
    """
    definition = with_activity(
        "tools.code.durable",
        kwargs={"code": textwrap.dedent(code)},
        retry_policy={"max_retries": 1, "delay": 0.05},
    )
    run = workers.submit(definition)
    seen = workers.finish(run)
    assert seen.status == "completed", seen.error
    assert workers.result(run)["hear"]["result"] == {"at": 1}  # type: ignore[index,call-overload]


def test_a_variable_that_was_set_meanwhile_is_read_again_or_ends_the_step(workers: Workers) -> None:
    workers.start()
    said = workers.submit(
        _step(
            """
            def main(ctx):
                ctx.set_variable("n", 1)
                read = ctx.get_variable("n", versioned=True)
                ctx.set_variable("n", 10)
                try:
                    ctx.set_variable("n", read[0] + 1, expected_version=read[1])
                except VariableConflict as conflict:
                    lost = conflict.variable
                ctx.sleep(0.01)
                value, version = ctx.get_variable("n", versioned=True)
                new = ctx.set_variable("n", value + 1, expected_version=version)
                return [read, lost, value, version, new, ctx.get_variable("n"), ctx.get_variable("m", 7, versioned=True)]
            """
        )
    )
    swallowed = workers.submit(
        _step(
            """
            def main(ctx):
                try:
                    ctx.set_variable("n", 1, expected_version=5)
                except Exception:
                    return "swallowed"
            """,
            retry_policy={"max_retries": 3, "delay": 60},
        )
    )
    run = workers.finish(said)
    assert run.status == "completed", run.error
    assert workers.result(said)["work"] == [[1, 1], "n", 10, 2, 3, 11, [7, 0]]
    run = workers.finish(swallowed)
    assert run.error is not None
    assert (run.status, run.error["type"]) == ("failed", "VariableConflict")
