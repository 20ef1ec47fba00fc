"""Workers as processes: they execute, sleep, wake, stop, and survive."""

from __future__ import annotations

import os
import signal
import time
from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from tests.engine.control_steps import allow, gate
from tests.support.runs import scalar
from tests.support.workers import Workers


def _workflow(**tasks: dict[str, Any]) -> dict[str, Any]:
    """A definition of tasks in the order given, each after the one before unless it says otherwise."""
    before: list[str] = []
    built = {}
    for task_id, task in tasks.items():
        built[task_id] = {"task_id": task_id, "operator_type": "task", "dependencies": before} | task
        before = [task_id]
    return {"name": "example", "start_task": next(iter(built)), "tasks": built}


def _shell(command: str, **more: Any) -> dict[str, Any]:
    return {"function": "tools.shell.run", "args": [command]} | more


def test_a_run_of_two_steps_completes_and_tells_its_story(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(a=_shell("printf one"), b=_shell("printf {{a.stdout}}two")))
    assert workers.finish(run).status == "completed"
    assert workers.result(run)["b"]["stdout"] == "onetwo"  # type: ignore[index,call-overload]
    with connect(workers.database.web) as connection:
        kinds = [entry.kind for entry in facade.list_story(connection, tenant_id=workers.tenant, workflow_run_id=run)]
    assert kinds == ["step_succeeded", "step_succeeded"]


def test_a_step_is_retried_by_its_policy_and_every_attempt_is_kept(workers: Workers) -> None:
    workers.start()
    policy = {"max_retries": 3, "delay": "PT0.1S", "backoff_factor": 1.0}
    run = workers.submit(_workflow(flaky=_shell('[ "$HIGHWAY_ATTEMPT" = 3 ] || exit 7', retry_policy=policy)))
    assert workers.finish(run).status == "completed"
    step = workers.steps(run)["flaky"]
    assert step.attempt == 3
    assert [attempt.attempt for attempt in step.attempts] == [1, 2]


def test_a_step_that_takes_too_long_is_killed_and_fails_the_run(workers: Workers) -> None:
    workers.start()
    marker = workers.folder / "alive"
    command = f"while true; do date +%s%N > {marker}; sleep 0.05; done"
    run = workers.submit(_workflow(slow=_shell(command, timeout_policy={"timeout": "PT0.5S"})))
    ended = workers.finish(run)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["kind"] == "timeout"
    assert ended.error["step"] == "slow"
    assert workers.steps(run)["slow"].status == "timedout"
    time.sleep(0.3)
    before = marker.read_text()
    time.sleep(0.3)
    assert marker.read_text() == before, "the shell survived its timeout"


def test_a_durable_sleep_is_never_early(workers: Workers) -> None:
    workers.start()
    run = workers.submit(
        _workflow(first=_shell("true"), nap={"operator_type": "wait", "wait_for": "PT1S"}, last=_shell("true"))
    )
    workers.wait(run, lambda seen: seen.status == "sleeping")
    workers.finish(run)
    steps = workers.steps(run)
    assert steps["first"].finished_at is not None
    assert steps["last"].started_at is not None
    assert (steps["last"].started_at - steps["first"].finished_at).total_seconds() >= 1


def test_a_waiting_run_holds_no_slot_and_goes_on_with_the_event(workers: Workers) -> None:
    workers.start()
    run = workers.submit(
        _workflow(hear={"operator_type": "wait_for_event", "event_name": "go"}, say=_shell("echo {{hear.word}}"))
    )
    workers.wait(run, lambda seen: seen.status == "sleeping")
    with connect(workers.database.web) as connection:
        waiting = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(run))
        assert "'go'" in waiting[0].text
        facade.emit_event(
            connection, tenant_id=workers.tenant, workflow_run_id=run, name="go", payload={"word": "hello"}
        )
    workers.finish(run)
    assert workers.result(run)["say"]["stdout"] == "hello\n"  # type: ignore[index,call-overload]


def test_an_event_timeout_is_an_error_of_its_own_kind(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(hear={"operator_type": "wait_for_event", "event_name": "go", "timeout_seconds": 1}))
    error = workers.finish(run).error
    assert error is not None
    assert error["kind"] == "event_timeout"


def test_a_killed_worker_s_run_goes_on_elsewhere_long_before_its_lease_ends(workers: Workers) -> None:
    first = workers.start()
    counted = {"function": "tools.simple_counter.increment", "args": ["{{workflow_run_id}}"]}
    long = _shell(f"[ -e {workers.folder}/began ] || {{ touch {workers.folder}/began; sleep 60; }}")
    run = workers.submit(_workflow(count=counted, long=long, end=_shell("true")))
    workers.wait(run, lambda _: (workers.folder / "began").exists())
    workers.start()
    workers.wait_for_workers(2)
    before = workers.run(run).attempt  # one, or more where workers give tasks back between two steps
    workers.kill(first)
    workers.wait(run, lambda seen: seen.attempt > before, seconds=30)
    assert workers.finish(run).status == "completed"
    with connect(workers.database.superuser) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = %s", str(run)) == 1


def test_a_frozen_worker_loses_its_tasks_with_its_lease_and_writes_nothing_when_it_wakes(workers: Workers) -> None:
    frozen = workers.start(lease_seconds=4)
    run = workers.submit(_workflow(only=_shell(f"{gate(workers.folder, 'only')}; echo $HIGHWAY_STEP")))
    workers.wait_for(workers.folder / "only.began")
    frozen.send_signal(signal.SIGSTOP)
    before = workers.run(run).attempt
    workers.start()
    workers.wait(run, lambda seen: seen.attempt > before)
    allow(workers.folder, "only")
    ended = workers.finish(run)
    assert ended.status == "completed"
    assert ended.attempt == before + 1
    frozen.send_signal(signal.SIGCONT)
    time.sleep(1.5)
    assert workers.run(run) == ended
    assert frozen.poll() is None, "it lives on under a new identity"


def test_sigterm_lets_the_step_under_way_finish_and_exits_with_0(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(only=_shell("sleep 1")))
    workers.wait(run, lambda seen: seen.status == "running")
    time.sleep(0.2)
    assert workers.stop() == [0]
    assert workers.run(run).status == "completed"


def test_sigterm_hands_back_what_does_not_finish_in_time(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(only=_shell("sleep 60")))
    workers.wait(run, lambda seen: seen.status == "running")
    assert workers.stop() == [0]
    assert workers.run(run).status == "pending"


def test_cancelling_a_run_kills_the_shell_under_way(workers: Workers) -> None:
    workers.start()
    pid_file = workers.folder / "pid"
    run = workers.submit(_workflow(only=_shell(f"echo $$ > {pid_file}; sleep 60; true")))
    workers.wait(run, lambda _: pid_file.exists() and pid_file.read_text().strip() != "")
    with connect(workers.database.web) as connection:
        facade.cancel(connection, tenant_id=workers.tenant, workflow_run_id=run, reason="enough")
    ended = workers.finish(run, seconds=5)
    assert ended.status == "cancelled"
    assert ended.cancel_reason == "enough"
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(int(pid_file.read_text()))


def _wait_until_gone(pid: int) -> None:
    for _ in range(100):
        os.kill(pid, 0)
        time.sleep(0.02)


def test_an_unknown_tool_defers_the_task_with_an_alert(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(only={"function": "tools.from_the_future.do"}))
    workers.wait(run, lambda seen: seen.status == "sleeping")
    with connect(workers.database.web) as connection:
        story = facade.list_story(connection, tenant_id=workers.tenant, workflow_run_id=run)
    assert story[0].kind == "deferred"
    assert story[0].data["tool"] == "tools.from_the_future.do"


def test_a_worker_that_loses_every_connection_comes_back(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(a=_shell("sleep 0.5"), b=_shell("sleep 0.5"), c=_shell("true")))
    workers.wait(run, lambda seen: seen.status == "running")
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_worker' AND datname = current_database()"
        )
    assert workers.finish(run).status == "completed"


def test_a_result_that_cannot_be_stored_fails_its_step_and_not_its_neighbours(workers: Workers) -> None:
    workers.start()
    bad = workers.submit(_workflow(only={"function": "tools.code.exec", "args": ["result = chr(0)"]}))
    good = workers.submit(_workflow(only=_shell("echo fine")))
    assert workers.finish(good).status == "completed"
    ended = workers.finish(bad)
    assert ended.status == "failed"


def test_a_run_past_its_deadline_fails_and_its_step_is_stopped(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(only=_shell("sleep 60")) | {"deadline_seconds": 1})
    ended = workers.finish(run, seconds=10)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["kind"] == "deadline"


def test_a_child_run_gives_its_result_to_its_parent(workers: Workers) -> None:
    workers.start()
    child = _workflow(only=_shell("echo from the child")) | {"name": "child"}
    workers.finish(workers.submit(child))
    run = workers.submit(_workflow(call={"function": "tools.workflow.execute", "kwargs": {"workflow_name": "child"}}))
    assert workers.finish(run).status == "completed"
    answer: Any = workers.result(run)["call"]
    assert answer["status"] == "completed"
    assert answer["result"]["only"]["stdout"] == "from the child\n"
    assert workers.run(UUID(answer["workflow_run_id"])).parent_run_id == run


def test_a_child_of_an_unknown_workflow_fails_the_step(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(call={"function": "tools.workflow.execute", "kwargs": {"workflow_name": "nobody"}}))
    error = workers.finish(run).error
    assert error is not None
    assert error["type"] == "UnknownWorkflow"


def test_a_step_that_waited_began_when_it_began_to_wait(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_workflow(nap={"operator_type": "wait", "wait_for": "PT0.4S"}))
    workers.finish(run)
    duration = workers.steps(run)["nap"].duration_ms
    assert duration is not None
    assert duration >= 400


def test_a_command_cannot_read_the_worker_s_secrets(workers: Workers) -> None:
    workers.start()
    # $PPID is the launcher; its parent is the worker, whose command line and environment hold the database's address.
    peek = "worker=$(ps -o ppid= -p $PPID | tr -d ' '); cat /proc/$worker/environ && echo READ"
    run = workers.submit(_workflow(only={"function": "tools.shell.run", "kwargs": {"command": peek, "check": False}}))
    workers.finish(run)
    seen: Any = workers.result(run)["only"]
    assert "READ" not in seen["stdout"]
    assert "Permission denied" in seen["stderr"]


def test_a_timer_beside_a_running_step_is_never_early(workers: Workers) -> None:
    """The worker holds the run all the time and looks at its waits again and again: each look must say no until it is time."""
    workers.start()
    nap = {"operator_type": "wait", "wait_for": "PT2.2S", "dependencies": []}
    run = workers.submit(_workflow(busy=_shell("sleep 2.5"), nap=nap))
    workers.finish(run)
    duration = workers.steps(run)["nap"].duration_ms
    assert duration is not None
    assert duration >= 2200
