"""The stages of a workflow as tasks of the Highway DSL, in JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.model.json import JsonObject
from tests.model.panels import PANELS, allows_self
from tests.model.stages import Stage, Workflow, child_of

CHAIN = 2  # a workflow that goes on as a new run does so so often
RETRY_SECONDS = 5.0
UNDER = "_under_"  # in the keys of steps that are done under a lock


def definition_of(workflow: Workflow) -> JsonObject:
    """The workflow in JSON."""
    more: JsonObject = {"deadline_seconds": workflow.deadline} if workflow.deadline else {}
    return {"name": workflow.name, "version": "1", "tasks": _chain(workflow.stages, "s"), **more}


def _chain(stages: tuple[Stage, ...], prefix: str) -> JsonObject:
    tasks: JsonObject = {}
    last: list[Any] = []
    for place, stage in enumerate(stages):
        made = _tasks(stage, f"{prefix}{place}")
        first = next(iter(made.values()))
        first["dependencies"] = last
        tasks |= made
        last = [list(made)[-1]]
    return tasks


def _tasks(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    """The tasks of one stage; the first follows the stage before, the next stage follows the last."""
    limit = {"timeout_seconds": stage.seconds} if stage.seconds else {}
    match stage.kind:
        case "do":
            return {key: _call("tools.model.do", {"fails": stage.fails}, stage.retries, stage.undo)}
        case "count":
            return {key: _call("tools.simple_counter.increment", {"name": "n"}, 0, stage.undo)}
        case "timer":
            return {key: {"operator_type": "wait", "wait_for": stage.seconds}}
        case "hear":
            return {key: {"operator_type": "wait_for_event", "event_name": stage.name, **limit}}
        case "emit":
            return {key: {"operator_type": "emit_event", "event_name": stage.name, "payload": {"by": key}}}
        case "take":
            return {key: _call("tools.workflow.receive_signal", {"name": stage.name, **limit})}
        case "update":
            reply = _call("tools.update.reply", {"update_id": f"{{{{{key}.update_id}}}}", "result": key})
            return {
                key: _call("tools.update.handle", {"name": stage.name, **limit}),
                f"{key}r": reply | {"dependencies": [key]},
            }
        case "child":
            inputs = {"round": 0}
            return {key: _call("tools.workflow.execute", {"workflow_name": child_of(stage).name, "inputs": inputs})}
        case "again":
            return _again(key)
    return _SEVERAL[stage.kind](stage, key)


def _choice(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    sides = {f"{key}{side}": _call("tools.model.do", {}) | {"dependencies": [key]} for side in ("left", "right")}
    condition = {
        "operator_type": "condition",
        "condition": f"'{stage.name}' == 'left'",
        "if_true": f"{key}left",
        "if_false": f"{key}right",
    }
    meeting = _call("tools.model.do", {}) | {"dependencies": list(sides)}
    return {key: condition, **sides, f"{key}m": meeting}


def _question(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    """People are asked, and what they say chooses a side."""
    rounds: Any = [asdict(one) for one in PANELS[stage.panel]]
    who = rounds[0] if len(rounds) == 1 else {"stages": rounds}
    how = {"timeout_seconds": stage.seconds, "on_expiry": stage.name, "allow_self": allows_self(stage.panel)}
    condition = {
        "operator_type": "condition",
        "condition": f"{{{{{key}.approved}}}}",
        "if_true": f"{key}yes",
        "if_false": f"{key}no",
        "dependencies": [key],
    }
    sides = {f"{key}{side}": _call("tools.model.do", {}) | {"dependencies": [f"{key}c"]} for side in ("yes", "no")}
    meeting = _call("tools.model.do", {}) | {"dependencies": list(sides)}
    ask = _call("tools.approval.request", {"message": "Go on?"} | who | how)
    return {key: ask, f"{key}c": condition, **sides, f"{key}m": meeting}


def _activity(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    """An activity, and the wait for its end."""
    activity = _call("tools.model.do", {"fails": stage.fails}, stage.retries) | {"operator_type": "activity"}
    if stage.seconds:
        activity["schedule_to_close_timeout"] = stage.seconds
    if stage.name == "step":
        wait = _call("tools.workflow.wait_for_activity", {"activity": f"{{{{{key}}}}}"})
    else:
        wait = {"operator_type": "wait_for_event", "event_name": f"{{{{{key}.completion_event}}}}"}
    return {key: activity, f"{key}w": wait | {"dependencies": [key]}}


def _guarded(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    """A step that is done under a lock."""
    limit = {"timeout_seconds": stage.seconds} if stage.seconds else {}
    return {
        key: _call("tools.lock.acquire", {"name": stage.name, **limit}),
        f"{key}{UNDER}{stage.name}": _call("tools.model.do", {"fails": stage.fails}, stage.retries)
        | {"dependencies": [key]},
        f"{key}r": _call("tools.lock.release", {"name": stage.name}) | {"dependencies": [f"{key}{UNDER}{stage.name}"]},
    }


def _again(key: str) -> dict[str, dict[str, Any]]:
    """The same workflow again as a new run, until it was so often enough."""
    switch = {
        "operator_type": "switch",
        "switch_on": "{{inputs.round}}",
        "cases": {str(number): f"{key}again{number}" for number in range(CHAIN)},
        "default": f"{key}m",
    }
    again = {
        f"{key}again{number}": _call("tools.workflow.continue_as_new", {"inputs": {"round": number + 1}})
        | {"dependencies": [key]}
        for number in range(CHAIN)
    }
    return {key: switch, **again, f"{key}m": _call("tools.model.do", {}) | {"dependencies": [key]}}


def _fork(stage: Stage, key: str) -> dict[str, dict[str, Any]]:
    branches = {f"b{place}": _chain(inner, "i") for place, inner in enumerate(stage.lists)}
    fork = {
        "operator_type": "parallel",
        "branches": {name: list(tasks) for name, tasks in branches.items()},
        "branch_workflows": {name: {"name": name, "version": "1", "tasks": tasks} for name, tasks in branches.items()},
    }
    join = _call("tools.workflow.wait_for_parallel_branches", {"fork_data": f"{{{{{key}}}}}"}) | {"dependencies": [key]}
    return {key: fork, f"{key}j": join}


def _call(function: str, kwargs: dict[str, Any], retries: int = 0, undo: int | None = None) -> dict[str, Any]:
    policy = {"max_retries": retries, "delay": RETRY_SECONDS, "backoff_factor": 1.0}
    task: dict[str, Any] = {"operator_type": "task", "function": function, "kwargs": kwargs, "retry_policy": policy}
    if undo is not None and function == "tools.simple_counter.increment":
        task["compensation"] = {"function": "tools.simple_counter.decrement", "kwargs": {"name": "n"}}
    elif undo is not None:
        again = {"max_retries": 2, "delay": RETRY_SECONDS, "backoff_factor": 1.0}
        task["compensation"] = {"function": "tools.model.do", "kwargs": {"fails": undo}, "retry_policy": again}
    return task


_SEVERAL = {
    "choice": _choice,
    "ask": _question,
    "act": _activity,
    "guard": _guarded,
    "fork": _fork,
}  # stages of several steps each
