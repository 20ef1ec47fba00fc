"""Durable code: what it did is done once, whatever happens to its worker, and its waits hold nothing."""

from __future__ import annotations

import functools
import re
import textwrap
import time
from pathlib import Path
from typing import Any, get_args

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from engine.model.views import RunView
from engine.tools.code import asks
from engine.tools.code.inside import durable as inside
from tests.support.runs import scalar
from tests.support.workers import Workers


def _definition(code: str, **kwargs: Any) -> JsonObject:
    more = {name: kwargs.pop(name) for name in ("retry_policy",) if name in kwargs}
    step: JsonObject = {
        "task_id": "work",
        "operator_type": "task",
        "function": "tools.code.durable",
        "kwargs": {"code": textwrap.dedent(code), **kwargs},
        **more,
    }
    return {"name": "durable", "version": "1", "start_task": "work", "tasks": {"work": step}}


def _finish(workers: Workers, code: str, **kwargs: Any) -> tuple[Any, Any]:
    """The run and the result of its one step."""
    if not workers.processes:
        workers.start()
    run = workers.finish(workers.submit(_definition(code, **kwargs)), seconds=60)
    return run, workers.result(run.workflow_run_id).get("work")


def _has_more_steps(workers: Workers, number: int, run: RunView) -> bool:
    return not run.is_open or len(workers.steps(run.workflow_run_id)) > number


def test_every_effect_is_done_once_although_the_code_runs_again_after_each_wait(workers: Workers) -> None:
    run, result = _finish(
        workers,
        """
        def main(ctx, start):
            first = ctx.step("add", lambda: start + 1)
            with ctx.transaction("count") as tx:
                tx.counter_add("durable", 5)
            ctx.sleep(0.1)
            for number in range(3):
                ctx.step("round", lambda: number)
                ctx.sleep(0.05)
            ctx.set_variable("seen", first)
            ctx.emit_event("ready", {"n": first})
            return [first, tx.results, ctx.get_variable("seen"), ctx.wait_for_event("ready"), ctx.check_event("never")]
        """,
        inputs={"start": 1},
    )
    assert run.status == "completed", run.error
    assert result == [2, [5], 2, {"n": 2}, [False, None]]
    steps = workers.steps(run.workflow_run_id)
    assert {"work.add", "work.count", "work.sleep", "work.round", "work.round#2", "work.round#3"} <= steps.keys()
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'durable'") == 5


def test_random_numbers_and_the_time_are_the_same_when_the_code_runs_again(workers: Workers) -> None:
    run, result = _finish(
        workers,
        """
        def main(ctx):
            seen = [ctx.random(), ctx.uuid4(), ctx.now()]
            kept = ctx.step("keep", lambda: seen)
            ctx.sleep(0.05)
            return seen == kept
        """,
    )
    assert (run.status, result) == ("completed", True), run.error


def test_an_event_from_outside_wakes_the_code_and_nothing_runs_meanwhile(workers: Workers) -> None:
    workers.start()
    run_id = workers.submit(
        _definition(
            """
            def main(ctx):
                answer = ctx.wait_for_event("go", timeout=60)
                try:
                    ctx.wait_for_event("never", timeout=0.1)
                except StepFailed as error:
                    return [answer, error.type]
            """
        )
    )
    workers.wait(run_id, lambda run: run.status == "sleeping")
    with connect(workers.database.web) as connection:
        facade.emit_event(connection, tenant_id=workers.tenant, workflow_run_id=run_id, name="go", payload=7)
    assert workers.finish(run_id).status == "completed"
    assert workers.result(run_id)["work"] == [7, "EventTimeout"]


def test_a_failed_step_is_told_to_the_code_and_is_tried_again_only_by_the_next_attempt(workers: Workers) -> None:
    run, result = _finish(
        workers,
        """
        def main(ctx):
            done = ctx.step("good", lambda: ctx.attempt)
            def bad():
                if ctx.attempt == 1:
                    raise ValueError("not yet")
                return ctx.attempt
            try:
                return [done, ctx.step("bad", bad, retries=1, delay=0.05)]
            except StepFailed as error:
                ctx.sleep(0.05)
                raise
        """,
        retry_policy={"max_retries": 1, "delay": 0.1},
    )
    assert (run.status, result) == ("completed", [1, 2]), run.error
    steps = workers.steps(run.workflow_run_id)
    assert steps["work.bad@1"].error is not None
    assert steps["work.bad@1"].error["message"] == "not yet"


def test_a_saga_is_undone_last_in_first_out_and_once_also_when_its_worker_is_killed(workers: Workers) -> None:
    code = """
        def main(ctx):
            with ctx.saga("trip") as saga:
                for name in ("flight", "hotel", "car"):
                    saga.step(name, lambda: name, undo=lambda result: undo(ctx, result))
                ctx.sleep(0.3)
                saga.step("pay", lambda: 1 / 0, undo=print)

        def undo(ctx, name):
            import time
            time.sleep(0.4)
            return name
    """
    process = workers.start()
    run_id = workers.submit(_definition(code))
    workers.wait(run_id, lambda _: "work.trip undo car" in workers.steps(run_id))
    workers.kill(process)
    workers.start()
    run = workers.finish(run_id, seconds=60)
    assert (run.status, run.error and run.error["type"]) == ("compensated", "Compensated")
    undone = [key for key in workers.steps(run_id) if " undo " in key]
    assert undone == ["work.trip undo car", "work.trip undo hotel", "work.trip undo flight"]


def test_children_are_spawned_once_and_the_first_or_all_of_them_awaited(workers: Workers) -> None:
    for name, seconds in (("quick", 0.01), ("slow", 0.8)):
        wait: JsonObject = {"task_id": "nap", "operator_type": "wait", "wait_for": seconds}
        workers.submit({"name": name, "version": "1", "start_task": "nap", "tasks": {"nap": wait}})
    run, result = _finish(
        workers,
        """
        def main(ctx):
            slow, quick = ctx.spawn("slow"), ctx.spawn("quick")
            first, ended = ctx.first_of(slow, quick, timeout=30)
            every = ctx.gather(slow, quick, timeout=30)
            once_more = ctx.child("quick")
            return [first == quick, ended["status"], [each["status"] for each in every], once_more["status"]]
        """,
    )
    assert (run.status, result) == ("completed", [True, "completed", ["completed"] * 2, "completed"]), run.error
    with connect(workers.database.worker) as connection:
        children = "SELECT count(*) FROM highway.workflow_run WHERE parent_run_id = %s"
        assert scalar(connection, children, run.workflow_run_id) == 3


def test_an_attempt_that_gathers_failed_children_again_fails_with_their_failure(workers: Workers) -> None:
    for name in ("bad", "worse"):
        fails: JsonObject = {
            "task_id": "no",
            "operator_type": "task",
            "function": "tools.memory.get",
            "kwargs": {"name": "?"},
        }
        workers.submit({"name": name, "version": "1", "start_task": "no", "tasks": {"no": fails}})
    code = """
        def main(ctx):
            bad, worse = ctx.spawn("bad"), ctx.spawn("worse")
            ctx.first_of(bad, worse)
            ctx.gather(bad, worse)
        """
    run, _ = _finish(workers, code, retry_policy={"max_retries": 2, "delay": 0.01})
    assert (run.status, run.error and run.error["type"]) == ("failed", "StepFailed")


def test_code_survives_workers_that_are_killed_again_and_again(workers: Workers) -> None:
    run_id = workers.submit(
        _definition(
            """
            def main(ctx):
                for number in range(8):
                    with ctx.transaction(f"count {number}") as tx:
                        tx.counter_add("killed")
                    ctx.sleep(0.1)
                return number
            """
        )
    )
    process = workers.start()
    until = time.monotonic() + 60
    while workers.run(run_id).is_open and time.monotonic() < until:
        before = len(workers.steps(run_id))
        more = functools.partial(_has_more_steps, workers, before + 2)
        workers.wait(run_id, more, seconds=60)
        workers.kill(process)
        process = workers.start()
    assert workers.finish(run_id).status == "completed"
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'killed'") == 8


WRONG = {
    "def other(ctx): pass": "defines no function 'main'",
    "def main(ctx):\n  return {1}": "not JSON serializable",
    "def main(ctx):\n  1 / 0": "division by zero (line 2)",
    "def main(ctx):\n  ctx.step('x', lambda: float('nan'))": "not JSON compliant",
    "def main(ctx:": "SyntaxError",
    "def main(ctx):\n  ctx.sleep(-1)": "greater than or equal to 0",
    "def main(ctx):\n  ctx.sleep_until('2030-01-01')": "has no time zone",
    "import os\ndef main(ctx):\n  os._exit(3)": "exit code 3",
    "def main(ctx):\n  ctx.emit_event('x', 'a' * 3_000_000)": "longer than 2 MiB",
    "import os\ndef main(ctx):\n  os.write(int(os.environ['HIGHWAY_CHANNEL']), b'nonsense\\n'); return 1": "or no JSON",
    "def main(ctx):\n  ctx.child('nobody knows')": "no such workflow",
    "def main(ctx):\n  while True: pass": "ran longer than 1 seconds",
}


def test_what_goes_wrong_in_the_code_fails_its_step_in_words(workers: Workers) -> None:
    workers.start()
    runs = {
        code: workers.submit(_definition(code, timeout_seconds=1 if "while True" in code else 60)) for code in WRONG
    }
    ended = {code: workers.finish(run_id, seconds=60) for code, run_id in runs.items()}
    said = {code: str((run.error or {}).get("message")) for code, run in ended.items()}
    assert {run.status for run in ended.values()} == {"failed"}
    assert {code: words for code, words in WRONG.items() if words not in said[code]} == {}, said


def test_code_that_does_something_else_under_a_name_is_found_out(workers: Workers) -> None:
    run, _ = _finish(
        workers,
        """
        def main(ctx):
            if ctx.attempt == 1:
                ctx.step("this", lambda: 1)
                raise RuntimeError("once more")
            ctx.sleep(0.01, name="this")
        """,
        retry_policy={"max_retries": 3, "delay": 0.05},
    )
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["kind"] == "divergence"
    assert run.error["message"] == "'this' is a sleep now and was a step when the code ran before"


PROMISED = """signal update reply step transaction sleep sleep_until wait_for_event emit_event check_event get_variable set_variable now random uuid4
child spawn gather first_of step_with_compensation saga log progress lock heartbeat continue_as_new"""


def test_what_the_code_may_call_and_what_we_answer_are_the_same_list() -> None:
    models = get_args(get_args(asks.AnyAsk)[0])
    asked = {ask for model in models for ask in get_args(model.model_fields["ask"].annotation)}
    source = "".join(Path(inside.__file__).with_name(name).read_text() for name in ("blocks.py", "durable.py"))
    spoken = set(re.findall(r'self\._(?:ask|tell)\(\s*"(\w+)"', source)) | set(re.findall(r'"ask": "(\w+)"', source))
    spoken |= set(re.findall(r'_context\._ask\("(\w+)"', source))
    assert spoken == asked
    assert {name for name in vars(inside.Context) if not name.startswith("_")} == set(PROMISED.split())
