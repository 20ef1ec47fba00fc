"""Which arrows a person sees between the steps of one container: what leads to what, not every dependency that was written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.graph.model import Edge

Tasks = Mapping[str, Mapping[str, Any]]


def edges_between(tasks: Tasks, prefix: str) -> tuple[Edge, ...]:
    """The edges of one container. Node ids get ``prefix``; dependencies on steps outside of the container are left out."""
    choices = {key: _targets(task) for key, task in tasks.items()}
    sides = {key: _sides(tasks, key, targets) for key, targets in choices.items() if targets}
    found: dict[tuple[str, str], Edge] = {}
    for edge in _all_edges(tasks, choices, sides):
        found.setdefault((edge.source, edge.target), edge)
    return tuple(Edge(prefix + edge.source, prefix + edge.target, edge.label, edge.kind) for edge in found.values())


def _all_edges(tasks: Tasks, choices: Mapping[str, dict[str, str]], sides: Mapping[str, set[str]]) -> Iterator[Edge]:
    for key, task in tasks.items():
        for target, label in choices[key].items():
            if target in tasks:
                yield Edge(key, target, label, "choice")
        yield from _handler_edges(tasks, key, task)
    for key, task in tasks.items():
        for source in _dependencies(task):
            if source in tasks and not _exclusive(choices, source, key):
                yield from _dependency_edges(tasks, choices, sides, source, key)


def _targets(task: Mapping[str, Any]) -> dict[str, str]:
    """The steps that a condition or a switch chooses from, with the word on the way there."""
    kind = task.get("operator_type")
    if kind == "condition":
        named = [(task.get("if_true"), "yes"), (task.get("if_false"), "no")]
    elif kind == "switch":
        named = [(target, str(case)) for case, target in dict(task.get("cases") or {}).items()]
        named.append((task.get("default"), "otherwise"))
    else:
        return {}
    labels: dict[str, str] = {}
    for target, label in named:
        if target:
            labels[str(target)] = f"{labels[target]}, {label}" if target in labels else label
    return labels


def _handler_edges(tasks: Tasks, key: str, task: Mapping[str, Any]) -> Iterator[Edge]:
    for field, label in (("on_failure_task_id", "on failure"), ("on_success_task_id", "on success")):
        handler = task.get(field)
        if handler in tasks:
            yield Edge(key, str(handler), label, "handler")


def _dependencies(task: Mapping[str, Any]) -> list[str]:
    names = [*(task.get("dependencies") or ()), *(task.get("join_tasks") or ())]
    return [str(name) for name in names]


def _exclusive(choices: Mapping[str, dict[str, str]], source: str, target: str) -> bool:
    """Targets of one switch exclude each other: the edge that the builder puts between two of them means nothing."""
    return any(source in targets and target in targets for targets in choices.values())


def _dependency_edges(
    tasks: Tasks, choices: Mapping[str, dict[str, str]], sides: Mapping[str, set[str]], source: str, target: str
) -> Iterator[Edge]:
    """A dependency on a choice itself: a step inside one of its sides needs no arrow of its own, a step after it waits for the sides' ends."""
    if source not in sides or target in choices[source]:
        yield Edge(source, target)
        return
    if target in sides[source]:
        return
    ends = _ends(tasks, sides[source])
    for end in ends:
        yield Edge(end, target)
    missing = _missing_side(tasks[source])
    if missing or not ends:
        yield Edge(source, target, missing, "choice")


def _sides(tasks: Tasks, choice: str, targets: Mapping[str, str]) -> set[str]:
    """Everything that runs only because a choice chose it: its targets and the steps that depend on them and on the choice."""
    inside = {target for target in targets if target in tasks}
    grown = bool(inside)
    while grown:
        grown = False
        for key, task in tasks.items():
            names = _dependencies(task)
            if key not in inside and choice in names and inside.intersection(names):
                inside.add(key)
                grown = True
    return inside


def _ends(tasks: Tasks, inside: set[str]) -> list[str]:
    followed = {source for key in inside for source in _dependencies(tasks[key])}
    return [key for key in tasks if key in inside and key not in followed]


def _missing_side(choice: Mapping[str, Any]) -> str:
    if choice.get("operator_type") == "switch":
        return "" if choice.get("default") else "otherwise"
    if not choice.get("if_true"):
        return "yes"
    return "" if choice.get("if_false") else "no"
