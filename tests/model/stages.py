"""What the workflows of the programs are made of: a chain of stages, each of which is easy to predict."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict, dataclass
from typing import Any

from engine.model.json import JsonObject

PERMANENT = 99  # more failures than any retry policy allows
RETRY_SECONDS = 5.0
KINDS = ("do", "do", "do", "count", "timer", "hear", "take", "update", "emit", "choice", "fork", "child")
EVENTS, SIGNALS = ("e", "f"), ("p", "q")


@dataclass(frozen=True)
class Stage:
    """One stage. ``fails``: how often its tool fails before it succeeds; ``undo``: None, or how often undoing it fails.

    ``seconds``: a timer's time, or the time limit of a wait (0: none). ``lists``: the branches of a fork, or the one chain of a child.
    """

    kind: str
    name: str = ""
    fails: int = 0
    retries: int = 0
    undo: int | None = None
    seconds: int = 0
    lists: tuple[tuple[Stage, ...], ...] = ()


@dataclass(frozen=True)
class Workflow:
    """A chain of stages, and how many seconds a run of it may take (0: any)."""

    stages: tuple[Stage, ...]
    deadline: int = 0

    @property
    def name(self) -> str:
        """A name that tells the content."""
        return "w" + hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def definition(self) -> JsonObject:
        """The workflow in JSON."""
        more: JsonObject = {"deadline_seconds": self.deadline} if self.deadline else {}
        return {"name": self.name, "version": "1", "tasks": _chain(self.stages, "s"), **more}

    def children(self) -> list[Workflow]:
        """Workflows that runs of this one start, the innermost first."""
        return _children(self.stages)


def read_stage(data: dict[str, Any]) -> Stage:
    """Read what `asdict` wrote."""
    lists = tuple(tuple(read_stage(each) for each in stages) for stages in data.get("lists", ()))
    return Stage(**{**data, "lists": lists})


def random_workflow(chance: random.Random) -> Workflow:
    """One to four stages, now and then with a deadline."""
    return Workflow(_random_chain(chance, 4, 1), chance.choice((0, 0, 0, 300)))


def child_of(stage: Stage) -> Workflow:
    """What a child stage starts."""
    return Workflow(stage.lists[0])


def _random_chain(chance: random.Random, most: int, depth: int) -> tuple[Stage, ...]:
    return tuple(_random_stage(chance, depth) for _ in range(chance.randint(1, most)))


def _random_stage(chance: random.Random, depth: int) -> Stage:
    kind = chance.choice(KINDS)
    undo = chance.choice((None, None, 0, 1, PERMANENT)) if kind in ("do", "count") else None
    match kind:
        case "do":
            return Stage(
                kind, fails=chance.choice((0, 0, 0, 1, 2, PERMANENT)), retries=chance.choice((0, 1, 2)), undo=undo
            )
        case "count":
            return Stage(kind, undo=0 if undo else None)
        case "timer":
            return Stage(kind, seconds=chance.choice((30, 100)))
        case "hear" | "emit":
            return Stage(kind, chance.choice(EVENTS), seconds=chance.choice((0, 60)))
        case "take" | "update":
            return Stage(kind, chance.choice(SIGNALS), seconds=chance.choice((0, 60)))
        case "choice":
            return Stage(kind, chance.choice(("left", "right")))
    if depth == 0:
        return Stage("do")
    if kind == "child":
        return Stage(kind, lists=(_random_chain(chance, 2, 0),))
    return Stage(kind, lists=tuple(_random_chain(chance, 2, 0) for _ in range(2)))


def _children(stages: tuple[Stage, ...]) -> list[Workflow]:
    found = []
    for stage in stages:
        for inner in stage.lists:
            found += _children(inner)
        if stage.kind == "child":
            found.append(child_of(stage))
    return found


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
        case "choice":
            return _choice(stage, key)
        case "child":
            return {key: _call("tools.workflow.execute", {"workflow_name": child_of(stage).name})}
    return _fork(stage, key)


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
