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


def count(builder: WorkflowBuilder, step: str, name: str = "") -> WorkflowBuilder:
    """A step that counts its own execution under the run's id."""
    return builder.task(step, "tools.simple_counter.increment", args=["{{workflow_run_id}}/" + (name or step)])


@cache
def everything(effects_url: str) -> Workload:
    """Branches that meet by an event, a retry, timers, a child, loops, an effect outside, and a counter for each step."""
    builder = WorkflowBuilder("crash_everything", version="1.0.0")
    count(builder, "start")
    for path in ("flaky", "effect"):
        builder.task(
            path,
            "tools.http.request",
            kwargs={"url": effects_url + f"/{path}/{{{{workflow_run_id}}}}", "method": "POST", "allow_internal": True},
        )
        builder.retry(max_retries=8, delay=Duration.seconds(0.05), backoff_factor=1.0)
    builder.wait("pause", Duration.seconds(0.1))
    builder.parallel_with_join("fork", branches={"listener": _listener, "emitter": _emitter}, timeout_seconds=300)
    count(builder, "gathered")
    builder.task("child", "tools.workflow.execute", kwargs={"workflow_name": "crash_small"})
    builder.foreach("items", "{{all_items}}", loop_body=lambda body: count(body, "item_step", "item/{{item}}"))
    builder.while_loop("rounds", "{{turn.value | default(0)}} < 2", loop_body=_round)
    count(builder, "end")
    workflow = builder.build()
    workflow.set_variables({"all_items": ITEMS})
    counters = ["start", "heard", "said", "gathered", "end", *(f"item/{item}" for item in ITEMS), "round/1", "round/2"]
    definition = _as_json(workflow)
    return Workload(
        "everything", definition, tuple(counters), ("flaky", "effect"), ("", "fork.emitter", "fork.listener")
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
