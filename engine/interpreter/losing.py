"""Which locks a task has lost with its end, or never had as a fork of another: pure, for restarts and forks.

A lock ends with the task that holds it. A task that goes on has to take it again before it does what it had taken it for: the step that took it
is forgotten, and what comes after it waits for that step, whether it is done or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.interpreter.graph import Graph
from engine.interpreter.restore import locate
from engine.model.facts import Recorded


def lost_locks(graph: Graph, recorded: Iterable[Recorded]) -> set[str]:
    """Keys of the steps in one scope that took a lock which was not let go of since, and of the loops around them, so that these are entered again.

    ``recorded`` stand in the order in which they were stored.
    """
    held: dict[str, list[str]] = {}
    for step in recorded:
        node = locate(graph, step.key) if step.outcome == "succeeded" else None
        match None if node is None else node.operator.lock_change(step.result):
            case ("taken", name):
                held.setdefault(name, []).append(step.key)
            case ("let_go", name):
                held.pop(name, None)
    return {key for keys in held.values() for taken in keys for key in _with_loops(taken)}


def _with_loops(key: str) -> Iterator[str]:
    """``a[1]/b[2]/take``: itself, ``a[1]/b`` and ``a``."""
    yield key
    parts = key.split("/")
    for number in range(1, len(parts)):
        yield "/".join(parts[:number]).rpartition("[")[0]
