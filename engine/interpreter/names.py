"""What the templates of a running task can see, nearest first.

Loop names and results of this iteration, then of the loops around it, then the results of the task's own graph, then the context given at
the fork, then variables, then inputs by their bare names, then the roots ``inputs``, ``run``, ``workflow_run_id``, ``ds``, ``env``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.model.facts import TaskInfo
from engine.model.json import Json, JsonObject


class TaskNames:
    """Names that hold everywhere in one task. ``variables`` is read live: tools change it."""

    __slots__ = ("_context", "_inputs", "_roots", "variables")

    def __init__(self, info: TaskInfo, defaults: Mapping[str, Json], variables: JsonObject) -> None:
        self._context = info.context
        self.variables = variables
        self._inputs: JsonObject = {**defaults, **info.inputs}
        run_id = str(info.workflow_run_id)
        self._roots: JsonObject = {
            "inputs": self._inputs,
            "run": {"id": run_id, "attempt": info.attempt, "scope": info.scope, "ds": info.started_date},
            "workflow_run_id": run_id,
            "ds": info.started_date,
            "env": {},
        }

    def lookup(self, name: str) -> Json:
        for layer in (self._context, self.variables, self._inputs):
            if name in layer:
                return layer[name]
        return self._roots[name]

    def visible(self) -> Iterable[str]:
        return {**self._roots, **self._inputs, **self.variables, **self._context}

    def closure(self, wanted: frozenset[str]) -> JsonObject:
        return {name: self._context[name] for name in wanted if name in self._context}


class LayeredNames:
    """One layer over others: an iteration's names and results, a graph's results, or what a failure handler sees."""

    __slots__ = ("_outer", "values")

    def __init__(self, values: JsonObject, outer: LayeredNames | TaskNames) -> None:
        self.values = values
        self._outer = outer

    def lookup(self, name: str) -> Json:
        layer: LayeredNames | TaskNames = self
        while isinstance(layer, LayeredNames):
            if name in layer.values:
                return layer.values[name]
            layer = layer._outer
        return layer.lookup(name)

    def visible(self) -> Iterable[str]:
        return {*self.values, *self._outer.visible()}

    def closure(self, wanted: frozenset[str]) -> JsonObject:
        """Values of the wanted names that a fork must hand on; variables and inputs reach a branch by themselves."""
        found = self._outer.closure(wanted)
        found.update((name, self.values[name]) for name in wanted if name in self.values)
        return found
