"""Which arrows a person sees between the steps of one container: what leads to what, not every dependency that was written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.graph.model import Edge

Tasks = Mapping[str, Mapping[str, Any]]


def edges_between(tasks: Tasks, prefix: str) -> tuple[Edge, ...]:
    """The edges of one container. Node ids get ``prefix``; dependencies on steps outside of the container are left out."""
    choices = {key: targets for key, task in tasks.items() if (targets := _targets(task))}
    known = _Known(tasks, choices)
    found: dict[tuple[str, str], Edge] = {}
    for edge in _all_edges(tasks, known):
        found.setdefault((edge.source, edge.target), edge)
    return tuple(Edge(prefix + edge.source, prefix + edge.target, edge.label, edge.kind) for edge in found.values())


class _Known:
    """What the edges of one container are made from, each found once: a definition may have a hundred thousand steps."""

    def __init__(self, tasks: Tasks, choices: Mapping[str, dict[str, str]]) -> None:
        self.choices = choices
        self.names = {key: _dependencies(task) for key, task in tasks.items()}
        self._order = {key: number for number, key in enumerate(tasks)}
        self._dependents: dict[str, list[str]] = {}
        for key, names in self.names.items():
            for name in names:
                self._dependents.setdefault(name, []).append(key)
        self._chosen_by: dict[str, set[str]] = {}
        for key, targets in choices.items():
            for target in targets:
                self._chosen_by.setdefault(target, set()).add(key)
        self.sides = {key: self._side(key, targets) for key, targets in choices.items()}
        self._ends: dict[str, list[str]] = {}

    def exclusive(self, source: str, target: str) -> bool:
        """Targets of one switch exclude each other: the edge that the builder puts between two of them means nothing."""
        return not self._chosen_by.get(source, set()).isdisjoint(self._chosen_by.get(target, set()))

    def ends(self, choice: str) -> list[str]:
        """The steps of a choice's sides that none of the same sides follows, in the order of the definition."""
        if choice not in self._ends:
            inside = self.sides[choice]
            followed = {source for key in inside for source in self.names[key]}
            self._ends[choice] = sorted(inside - followed, key=self._order.__getitem__)
        return self._ends[choice]

    def _side(self, choice: str, targets: Mapping[str, str]) -> set[str]:
        """Everything that runs only because a choice chose it: its targets and the steps that depend on them and on the choice."""
        inside = {target for target in targets if target in self.names}
        grown = list(inside)
        while grown:
            for key in self._dependents.get(grown.pop(), ()):
                if key not in inside and choice in self.names[key]:
                    inside.add(key)
                    grown.append(key)
        return inside


def _all_edges(tasks: Tasks, known: _Known) -> Iterator[Edge]:
    for key, task in tasks.items():
        for target, label in known.choices.get(key, {}).items():
            if target in tasks:
                yield Edge(key, target, label, "choice")
        yield from _handler_edges(tasks, key, task)
    for key in tasks:
        for source in known.names[key]:
            if source in tasks and not known.exclusive(source, key):
                yield from _dependency_edges(tasks, known, source, key)


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


def _dependency_edges(tasks: Tasks, known: _Known, source: str, target: str) -> Iterator[Edge]:
    """A dependency on a choice itself: a step inside one of its sides needs no arrow of its own, a step after it waits for the sides' ends."""
    if source not in known.sides or target in known.choices[source]:
        yield Edge(source, target)
        return
    if target in known.sides[source]:
        return
    ends = known.ends(source)
    for end in ends:
        yield Edge(end, target)
    missing = _missing_side(tasks[source])
    if missing or not ends:
        yield Edge(source, target, missing, "choice")


def _missing_side(choice: Mapping[str, Any]) -> str:
    if choice.get("operator_type") == "switch":
        return "" if choice.get("default") else "otherwise"
    if not choice.get("if_true"):
        return "yes"
    return "" if choice.get("if_false") else "no"
