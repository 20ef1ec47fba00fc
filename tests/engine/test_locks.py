"""Named locks: one holder at a time, in line, fenced, and never held by what has ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.queue.loading import load_waits
from engine.queue.writes import Finished, TaskWrites
from engine.services.locks import wake_first_in_line
from tests.engine.definitions import op, task, workflow
from tests.support.databases import Database
from tests.support.guards import ask_for, holds, leaves, line, releases
from tests.support.interleaving import problems
from tests.support.runs import start, states, take, write
from tests.support.workers import Workers

DONE = Finished("completed")


def _critical(name: str, log: str) -> dict[str, Any]:
    """Takes the lock, works, lets go."""
    return workflow(
        task("take", function="tools.lock.acquire", args=["door"]),
        task(
            "work",
            "take",
            function="tools.shell.run",
            args=[f"echo in {{{{take.fencing}}}} >> {log}; sleep 0.05; echo out {{{{take.fencing}}}} >> {log}"],
        ),
        task("let_go", "work", function="tools.lock.release", args=["door"]),
        name=name,
    )


def test_runs_are_inside_one_after_the_other_with_growing_numbers(workers: Workers) -> None:
    log = workers.folder / "log"
    log.touch(mode=0o666)
    log.chmod(0o666)
    workers.start()
    workers.start()
    runs = [workers.submit(_critical("critical", str(log))) for _ in range(6)]
    assert {workers.finish(run).status for run in runs} == {"completed"}
    lines = [line_.split() for line_ in log.read_text().splitlines()]
    assert [word for word, _ in lines] == ["in", "out"] * 6
    numbers = [int(number) for _, number in lines[::2]]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 6


def test_a_lock_is_free_when_its_run_has_failed(workers: Workers) -> None:
    workers.start()
    fails = workflow(
        task("take", function="tools.lock.acquire", args=["door"]),
        task("work", "take", function="tools.shell.run", args=["exit 1"]),
    )
    assert workers.finish(workers.submit(fails)).status == "failed"
    takes = workflow(task("take", function="tools.lock.acquire", args=["door"], kwargs={"timeout_seconds": 20}))
    assert workers.finish(workers.submit(takes)).status == "completed"


def test_a_time_limit_fails_the_step_and_leaves_the_line(workers: Workers) -> None:
    workers.start()
    hold = workflow(
        task("take", function="tools.lock.acquire", args=["door"]),
        op("wait_for_event", "hear", "take", event_name="go"),
        name="hold",
    )
    holder = workers.submit(hold)
    workers.wait(holder, lambda _: "hear" in workers.steps(holder))
    late = workers.submit(
        workflow(task("take", function="tools.lock.acquire", args=["door"], kwargs={"timeout_seconds": 0.3}))
    )
    run = workers.finish(late)
    assert run.error is not None
    assert run.error["kind"] == "lock_timeout"
    with connect(workers.database.worker) as connection:
        assert line(connection, workers.tenant) == [holder]
        connection.execute("SELECT highway.emit_event(%s, %s, 'go')", [workers.tenant, holder])
    assert workers.finish(holder).status == "completed"


def test_whoever_holds_a_lock_and_asks_again_gets_it_at_once(workers: Workers) -> None:
    workers.start()
    twice = workflow(
        task("take", function="tools.lock.acquire", args=["door"]),
        task("again", "take", function="tools.lock.acquire", args=["door"]),
        task("let_go", "again", function="tools.lock.release", args=["door"]),
    )
    run = workers.submit(twice)
    assert workers.finish(run).status == "completed"
    result = workers.result(run)
    assert result["take"] == result["again"]
    with connect(workers.database.worker) as connection:
        assert line(connection, workers.tenant) == []


def test_the_line_is_kept_by_the_database_and_the_next_is_woken(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant) for _ in range(3)]
        claims = {one.task_id: one for one in take(database.worker)}
        for run in runs:
            write(database.worker, ask_for(claims[run]))
        assert line(connection, tenant) == runs
        (first,) = take(database.worker)
        assert first.task_id == runs[0]
        over = load_waits(connection, [first])[first.task_id].over
        assert [one.timed_out for one in over] == [False]
        write(database.worker, holds(first))
        write(database.worker, releases(first, exit=DONE))
        (second,) = take(database.worker)
        assert second.task_id == runs[1]
        write(database.worker, holds(second, exit=DONE))  # ends without letting go
        assert line(connection, tenant) == [runs[2]]
        (third,) = take(database.worker)
        write(database.worker, leaves(third, exit=DONE))
    assert problems(database.worker) == []


def test_a_cancelled_waiter_and_a_cancelled_holder_leave_the_line(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant) for _ in range(3)]
        claims = {one.task_id: one for one in take(database.worker)}
        for run in runs:
            write(database.worker, ask_for(claims[run]))
        connection.execute("SELECT highway.cancel_run(%s, %s)", [tenant, runs[1]])
        connection.execute("SELECT highway.cancel_run(%s, %s)", [tenant, runs[0]])
        assert line(connection, tenant) == [runs[2]]
        assert states(connection, runs[2]) == {"": "pending"}
    assert problems(database.worker) == []


def test_the_service_wakes_who_was_passed_by(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        first, second = (start(connection, tenant) for _ in range(2))
        claims = {one.task_id: one for one in take(database.worker)}
        write(database.worker, ask_for(claims[first]))
        write(database.worker, ask_for(claims[second]))
        (held,) = take(database.worker)
        write(database.worker, holds(held))
        with connect(database.worker) as busy, busy.transaction():
            busy.execute("SELECT FROM highway.task WHERE task_id = %s FOR UPDATE", [second])
            write(database.worker, TaskWrites(held, exit=DONE))
        assert states(connection, second) == {"": "sleeping"}
        assert problems(database.worker) != []
        assert wake_first_in_line(connection, second) == 1
        assert states(connection, second) == {"": "pending"}
        assert wake_first_in_line(connection, second) == 0
    assert problems(database.worker) == []


def test_a_waiter_is_told_who_holds_the_lock(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant) for _ in range(3)]
        claims = {one.task_id: one for one in take(database.worker)}
        for run in runs:
            write(database.worker, ask_for(claims[run]))
        (holder,) = take(database.worker)
        write(database.worker, holds(holder))
        last = facade.get_run(connection, tenant_id=tenant, workflow_run_id=runs[2])
        (reason,) = facade.why_waiting(connection, tenant_id=tenant, run=last)
        assert (reason.code, reason.step_key) == ("lock", "take")
        assert f"run {runs[0]} holds it since" in reason.text
        assert reason.text.endswith("1 others are before it")


def test_no_two_are_inside_when_workers_are_killed(workers: Workers) -> None:
    log = workers.folder / "log"
    log.touch(mode=0o666)
    log.chmod(0o666)
    for _ in range(2):
        workers.start()
    runs = [workers.submit(_critical("critical", str(log))) for _ in range(5)]
    workers.wait(runs[0], lambda _: len(log.read_text().splitlines()) >= 3)
    workers.kill(workers.processes[0])
    workers.start()
    assert {workers.finish(run, seconds=60).status for run in runs} == {"completed"}
    inside = [line_.split() for line_ in log.read_text().splitlines()]
    order = [number for word, number in inside if word == "out"]
    # A step that was killed is done again under the same number: numbers never go back, and nobody comes in before the other is out.
    assert [int(number) for _, number in inside] == sorted(int(number) for _, number in inside)
    assert len(set(order)) == 5
