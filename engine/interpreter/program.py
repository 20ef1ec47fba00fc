"""A compiled definition, and the programs inside it that branches and activities run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.interpreter.graph import Graph
from engine.model.json import JsonObject

ProgramKind = Literal["workflow", "branch", "activity"]


@dataclass(frozen=True, slots=True)
class Program:
    """What an `Execution` runs. Immutable: one program serves any number of executions at once.

    ``variables`` are the workflow's own, the base of ``inputs`` everywhere in it.
    """

    graph: Graph
    kind: ProgramKind
    variables: JsonObject
    path: tuple[str, ...] = ()

    def at(self, path: list[str] | tuple[str, ...]) -> Program:
        """The program of a branch or activity, by the path in its `NewTask`; always asked of the root. KeyError if there is none."""
        if not path:
            return self
        graph, kind = self.graph, self.kind
        steps = list(path)
        while steps:
            node = graph.node(steps.pop(0))
            if node.body is not None:
                graph = node.body
                if not steps:  # a round that is a branch: see engine.operators.foreach.needing
                    kind = "branch"
            elif node.branches:
                graph, kind = node.branches[steps.pop(0)], "branch"
            elif node.activity is not None:
                graph, kind = node.activity, "activity"
            else:
                raise KeyError("/".join(path))
        return Program(graph, kind, self.variables, tuple(path))
