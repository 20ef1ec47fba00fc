"""Graphs that cannot come to an end, and tasks that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.definition import Terminate
from engine.language.edges import Edge, EdgeKind, Edges, TooComplexError, resolve_edges
from engine.language.problems import Problem, join_path
from engine.language.scopes import Scope


def problems(scope: Scope) -> Iterator[Problem]:
    """Cycles, those included that only the rules make (a task that waits for a side that waits for it), and unreachable tasks."""
    operators = scope.operators
    try:
        found = resolve_edges(operators)
    except TooComplexError as error:
        yield Problem(scope.path, "too_complex", str(error))
        return
    cycle = _cycle(len(operators), found)
    if cycle:
        ids = [operators[index].task_id for index in cycle]
        path = join_path(scope.entries[ids[0]].path, "dependencies")
        yield Problem(path, "cycle", f"these tasks wait for each other: {' -> '.join([*ids[:20], ids[0]])}")
    for edge in found.edges:
        source, target = operators[edge.source], operators[edge.target]
        if edge.kind is EdgeKind.PLAIN and isinstance(source, Terminate) and target.trigger_rule == "all_success":
            message = f"it never runs: the run ends at '{source.task_id}'"
            yield Problem(scope.entries[target.task_id].path, "unreachable", message, "warning")


def _cycle(tasks: int, found: Edges) -> list[int]:
    """The tasks of one cycle in order, or nothing."""
    # Each side's end is a place of its own: its tasks come before it, and it before those who wait.
    count = tasks + len(found.sides)
    successors: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in _orderings(tasks, found):
        successors[source].append(target)
        waiting[target] += 1
    free = [index for index in range(count) if not waiting[index]]
    for index in free:  # grows while it is walked
        for target in successors[index]:
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    if len(free) == count:
        return []
    return [index for index in _walk_back(set(range(count)) - set(free), successors) if index < tasks]


def _orderings(tasks: int, found: Edges) -> Iterator[tuple[int, int]]:
    """(before, after): every edge, and for each task that waits for a side, by way of the side's end, that side's members."""
    waiters: dict[int, list[Edge]] = {}
    for edge in found.edges:
        if edge.source == edge.target:
            continue  # a task that names itself has a problem of its own
        yield edge.source, edge.target
        if edge.kind is EdgeKind.AFTER:
            waiters.setdefault(edge.source, []).append(edge)
    for end, side in enumerate(found.sides, tasks):
        yield from ((member, end) for member in side.members)
        yield from ((end, edge.target) for edge in waiters.get(side.choice, ()))


def _walk_back(stuck: set[int], successors: list[list[int]]) -> list[int]:
    """A cycle among tasks that all wait for one another: follow predecessors until one comes again."""
    before: dict[int, int] = {}
    for source in sorted(stuck):
        for target in successors[source]:
            if target in stuck:
                before.setdefault(target, source)
    seen: dict[int, int] = {}
    walked: list[int] = []
    at = min(stuck)
    while at not in seen:
        seen[at] = len(walked)
        walked.append(at)
        at = before[at]
    return list(reversed(walked[seen[at] :]))
