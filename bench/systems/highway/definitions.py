"""The workflows of the bench, as a user of ours would write them: the DSL's JSON, with a tool that does nothing (an unset variable is read)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.client import CHILDREN, STEPS, Kind

Definition = dict[str, Any]


def _task(name: str, *behind: str, **more: Any) -> dict[str, Any]:
    nothing = {"function": "tools.memory.get", "args": ["nothing"]}
    return {"task_id": name, "operator_type": "task", "dependencies": list(behind), **nothing, **more}


def _chain() -> dict[str, Any]:
    names = [f"step_{number}" for number in range(1, STEPS + 1)]
    return {name: _task(name, *names[max(0, place - 1) : place]) for place, name in enumerate(names)}


def _templated(place: int) -> dict[str, Any]:
    """A step whose argument is made of an input and of the step before, as most real ones are."""
    name, before = f"step_{place}", f"step_{place - 1}"
    return _task(name, before, kwargs={"name": "nothing", "default": f"{{{{inputs.word}}}}-{{{{{before}}}}}"}, args=[])


def _dsl() -> dict[str, Any]:
    """Ten steps with templates, and two conditions, each with a step on the side that is taken and one on the other."""
    tasks = {"step_1": _task("step_1", kwargs={"name": "nothing", "default": "{{inputs.word}}"}, args=[])}
    tasks |= {f"step_{place}": _templated(place) for place in (2, 3)}
    tasks |= _condition("first", "step_3", "{{inputs.number}} > 3 and '{{step_1}}' == 'word'", "step_4", "other_4")
    tasks["step_4"] = _templated(4) | {"dependencies": []}
    tasks["step_5"] = _templated(5) | {"dependencies": ["first"]}
    tasks |= {f"step_{place}": _templated(place) for place in (6, 7)}
    tasks |= _condition("second", "step_7", "len(step_7) > 100", "other_8", "step_8")
    tasks["step_8"] = _templated(8) | {"dependencies": []}
    tasks["step_9"] = _templated(9) | {"dependencies": ["second"]}
    tasks["step_10"] = _templated(10)
    return tasks


def _condition(name: str, behind: str, condition: str, if_true: str, if_false: str) -> dict[str, Any]:
    other = if_true if if_true.startswith("other") else if_false
    decides = {"condition": condition, "if_true": if_true, "if_false": if_false}
    return {
        name: {"task_id": name, "operator_type": "condition", "dependencies": [behind], **decides},
        other: _task(other),
    }


def _fan_out() -> dict[str, Any]:
    children = {f"child_{number}": {"workflow_name": "bench_one_step"} for number in range(1, CHILDREN + 1)}
    return {"children": {"task_id": "children", "operator_type": "child_workflow", "children": children}}


def _wake_up() -> dict[str, Any]:
    wait = {"task_id": "wait", "operator_type": "wait_for_event", "event_name": "go"}
    return {"wait": wait, "step": _task("step", "wait")}


def _named(kind: str, tasks: dict[str, Any]) -> Definition:
    return {"name": f"bench_{kind}", "version": "1.0.0", "start_task": next(iter(tasks)), "tasks": tasks}


TIMER = _named(
    "timer",
    {
        "sleep": {"task_id": "sleep", "operator_type": "wait", "wait_for": "{{inputs.until}}"},
        "step": _task("step", "sleep"),
    },
)
# fan_out names one_step, so it stands behind it.
DEFINITIONS: Mapping[Kind, Definition] = {
    "one_step": _named("one_step", {"step": _task("step")}),
    "ten_steps": _named("ten_steps", _chain()),
    "fan_out": _named("fan_out", _fan_out()),
    "wake_up": _named("wake_up", _wake_up()),
    "dsl": _named("dsl", _dsl()),
}
INPUTS: Mapping[Kind, dict[str, Any]] = {"dsl": {"word": "word", "number": 7}}
