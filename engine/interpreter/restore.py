"""What recorded steps inside finished loops leave behind: their names, and the tasks they forked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.interpreter.graph import Graph, Node
from engine.model.facts import Recorded
from engine.model.json import JsonObject
from engine.operators.kit.forking import forked_keys as forked_by


def locate(graph: Graph, key: str, *, shared_only: bool = False) -> Node | None:
    """The task that a step key such as ``outer[1]/inner[2]/step`` belongs to; None for decisions of loops and other notes.

    With ``shared_only`` also None for steps in rounds that keep their names to themselves.
    """
    *rounds, task_id = key.split("/")
    for each in rounds:
        loop = graph.index.get(each.partition("[")[0])
        if loop is None:
            return None
        node = graph.nodes[loop]
        if node.body is None or (shared_only and not node.operator.shares_rounds):
            return None
        graph = node.body
    index = graph.index.get(task_id)
    return None if index is None else graph.nodes[index]


def forked_keys(graph: Graph, recorded: Iterable[Recorded]) -> list[str]:
    """Keys of all tasks that the recorded steps have forked, in their order."""
    keys: list[str] = []
    for step in recorded:
        if step.outcome != "succeeded":
            continue
        node = locate(graph, step.key)
        if node is not None:
            keys.extend(node.operator.forked(step.result))
        elif step.key.endswith("[]"):  # what a loop began with, branches perhaps
            keys.extend(forked_by(step.result))
    return keys


class LoopNames:
    """Names that finished loops leave visible around them, worked out when the first such loop is met."""

    def __init__(self, graph: Graph, recorded: Mapping[str, Recorded]) -> None:
        self._graph = graph
        self._recorded = recorded
        self._by_loop: dict[str, list[Recorded]] | None = None

    def left_by(self, loop_key: str) -> JsonObject:
        """What the rounds of a finished sequential loop have left, the last round's values over those before."""
        if self._by_loop is None:
            self._by_loop = self._group()
        left: JsonObject = {}
        for step in self._by_loop.get(loop_key, ()):
            node = locate(self._graph, step.key, shared_only=True)
            if node is not None:
                left[node.task_id] = step.result
                if node.result_key is not None:
                    left[node.result_key] = step.result
        return left

    def _group(self) -> dict[str, list[Recorded]]:
        """Recorded successes by each loop that they are inside of, in the order in which they were recorded."""
        found: dict[str, list[Recorded]] = {}
        for key, step in self._recorded.items():
            if step.outcome != "succeeded":
                continue
            at = key.find("[")
            while at >= 0:
                found.setdefault(key[:at], []).append(step)
                at = key.find("[", at + 1)
        return found


def notes_by_step(recorded: Iterable[Recorded]) -> dict[str, dict[str, Recorded]]:
    """What the code of steps has noted (``<step key>.<name>``), by step and name."""
    found: dict[str, dict[str, Recorded]] = {}
    for step in recorded:
        owner, dot, name = step.key.partition(".")  # ids of tasks have no dots, names of notes may have
        if dot:
            found.setdefault(owner, {})[name] = step
    return found


def cause_of(recorded: Mapping[str, Recorded], loop: Recorded) -> str:
    """The key of the step inside a failed loop that is to blame: the first that failed with the same error. "" when there is none."""
    prefix = f"{loop.key}["
    for key, step in recorded.items():
        if step.outcome == "failed" and step.error == loop.error and key.startswith(prefix):
            return key
    return ""
