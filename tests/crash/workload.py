"""The reference workflows: the three golden ones, one that uses everything, and a small one for large numbers."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from highway_dsl import Duration, WorkflowBuilder

from engine.model.json import JsonObject

EXAMPLES = Path(__file__).parent.parent / "workflow_examples"
GOLDEN = ("demo_v2", "disaster_recovery", "ultimate_correctness")
ITEMS = ["red", "green"]


@dataclass(frozen=True)
class Workload:
    """A definition, and what a completed run of it must have done: its counters (each exactly once), its effects, its tasks."""

    name: str
    definition: JsonObject
    counters: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("",)
    ends: str = "completed"


def count(builder: WorkflowBuilder, step: str, name: str = "", **more: Any) -> WorkflowBuilder:
    """A step that counts its own execution under the run's id."""
    counter = "{{workflow_run_id}}/" + (name or step)
    return builder.task(step, "tools.simple_counter.increment", args=[counter], **more)


@cache
def everything(effects_url: str) -> Workload:
    """Branches that meet by an event, a retry, timers, a child, an activity, loops, an effect outside, and a counter for each step."""
    builder = WorkflowBuilder("crash_everything", version="1.0.0")
    count(builder, "start")
    for path in ("flaky", "effect"):
        builder.task(path, "tools.http.request", kwargs=_post(effects_url, path))
        builder.retry(max_retries=8, delay=Duration.seconds(0.05), backoff_factor=1.0)
    builder.wait("pause", Duration.seconds(0.1))
    builder.parallel_with_join("fork", branches={"listener": _listener, "emitter": _emitter}, timeout_seconds=300)
    count(builder, "gathered")
    builder.task("child", "tools.workflow.execute", kwargs={"workflow_name": "crash_small"})
    _activity(builder, seconds=0.06)
    builder.foreach("items", "{{all_items}}", loop_body=lambda body: count(body, "item_step", "item/{{item}}"))
    builder.while_loop("rounds", "{{turn.value | default(0)}} < 2", loop_body=_round)
    count(builder, "end")
    workflow = builder.build()
    workflow.set_variables({"all_items": ITEMS})
    counters = ["start", "heard", "said", "gathered", "end", *(f"item/{item}" for item in ITEMS), "round/1", "round/2"]
    definition = _as_json(workflow)
    return Workload(
        "everything", definition, tuple(counters), ("flaky", "effect"), ("", "fork.emitter", "fork.listener", "work")
    )


@cache
def small() -> Workload:
    """Two counted steps and a timer between them."""
    builder = WorkflowBuilder("crash_small", version="1.0.0")
    count(builder, "first")
    builder.wait("nap", Duration.seconds(0.02))
    count(builder, "second")
    return Workload("small", _as_json(builder.build()), ("first", "second"))


@cache
def tiny() -> Workload:
    """One counted step and one that is not."""
    builder = WorkflowBuilder("crash_tiny", version="1.0.0")
    count(builder, "only")
    builder.task("say", "tools.log.info", args=["done"])
    return Workload("tiny", _as_json(builder.build()), ("only",))


@cache
def listener() -> Workload:
    """Waits for an event from outside."""
    builder = WorkflowBuilder("crash_listener", version="1.0.0")
    count(builder, "first")
    builder.wait_for_event("hear", "go", timeout_seconds=300)
    count(builder, "second")
    return Workload("listener", _as_json(builder.build()), ("first", "second"))


@cache
def saga(effects_url: str) -> Workload:
    """Three steps, in the database and outside of it, that are undone, the last one first, because what comes after them fails."""
    builder = WorkflowBuilder("crash_saga", version="1.0.0")
    count(builder, "first", metadata=_undone_by_counting("first"))
    undo = {"function": "tools.http.request", "kwargs": _post(effects_url, "undone")}
    builder.task("outside", "tools.http.request", kwargs=_post(effects_url, "outside"), metadata={"compensation": undo})
    count(builder, "last", metadata=_undone_by_counting("last"))
    builder.task("never", "tools.workflow.receive_signal", kwargs={"name": "nothing", "timeout_seconds": 0.05})
    counters = ("first", "last", "undo/first", "undo/last")
    return Workload("saga", _as_json(builder.build()), counters, ("outside", "undone"), ends="compensated")


@cache
def inbox() -> Workload:
    """Takes two signals, and an update that it answers; then two people have to agree, and somebody who never comes."""
    builder = WorkflowBuilder("crash_inbox", version="1.0.0")
    for step in ("one", "two"):
        builder.task(step, "tools.workflow.receive_signal", kwargs={"name": "item", "timeout_seconds": 300})
    count(builder, "first")
    builder.task("ask", "tools.update.handle", kwargs={"name": "price", "timeout_seconds": 300})
    builder.task("reply", "tools.update.reply", kwargs={"update_id": "{{ask.update_id}}", "result": "{{ask.payload}}"})
    builder.task("agree", "tools.approval.request", kwargs={"message": "go on?", "quorum": 2, "timeout_seconds": 300})
    late = {"message": "nobody is there", "timeout_seconds": 0.05, "on_expiry": "approve"}
    builder.task("late", "tools.approval.request", kwargs=late)
    count(builder, "second")
    return Workload("inbox", _as_json(builder.build()), ("first", "second"))


@cache
def beating() -> Workload:
    """An activity that lasts long enough for a heartbeat of its worker."""
    builder = WorkflowBuilder("crash_beating", version="1.0.0")
    _activity(builder, seconds=1.6)
    count(builder, "end")
    return Workload("beating", _as_json(builder.build()), ("end",), tasks=("", "work"))


@cache
def long_step() -> Workload:
    """A step that lasts until it is killed."""
    builder = WorkflowBuilder("crash_long", version="1.0.0")
    count(builder, "first")
    builder.task("long", "tools.shell.run", args=["sleep 60"])
    return Workload("long", _as_json(builder.build()))


@cache
def golden(name: str) -> Workload:
    """One of the examples."""
    spec = importlib.util.spec_from_file_location(f"crash_example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return Workload(name, _as_json(module.get_workflow()))


def timers(quantity: int, first_seconds: float, spread_seconds: float) -> JsonObject:
    """``quantity`` timers at once in one run, due one after the other."""
    builder = WorkflowBuilder("crash_timers", version="1.0.0")
    for number in range(quantity):
        seconds = first_seconds + spread_seconds * number / quantity
        builder.wait(f"timer_{number}", Duration.seconds(round(seconds, 3)), dependencies=[])
    return _as_json(builder.build())


def _activity(builder: WorkflowBuilder, seconds: float) -> WorkflowBuilder:
    given = {"duration_seconds": seconds, "interval_seconds": 0.05}
    builder.activity("work", "tools.long_running.execute_with_heartbeat", kwargs=given)
    return builder.wait_for_event("worked", "{{work.completion_event}}", timeout_seconds=300)


def _undone_by_counting(name: str) -> JsonObject:
    return {
        "compensation": {"function": "tools.simple_counter.increment", "args": ["{{workflow_run_id}}/undo/" + name]}
    }


def _post(effects_url: str, path: str) -> JsonObject:
    return {"url": effects_url + f"/{path}/{{{{workflow_run_id}}}}", "method": "POST", "allow_internal": True}


def _listener(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.wait_for_event("hear", "said_{{workflow_run_id}}", timeout_seconds=300)
    return count(branch, "heard")


def _emitter(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.wait("hold", Duration.seconds(0.05))
    count(branch, "said")
    return branch.emit_event("say", "said_{{workflow_run_id}}", payload={"by": "emitter"})


def _round(body: WorkflowBuilder) -> WorkflowBuilder:
    body.task("turn", "tools.simple_counter.increment", args=["{{workflow_run_id}}/turns"])
    return count(body, "round_step", "round/{{turn.value}}")


def _as_json(workflow: Any) -> JsonObject:
    return json.loads(workflow.to_json())


Build = Callable[[WorkflowBuilder], WorkflowBuilder]
