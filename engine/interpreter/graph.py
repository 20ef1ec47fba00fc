"""The compiled graph of one scope: plain tables that every execution of it shares and none changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.language.edges import EdgeKind
from engine.model.json import JsonObject
from engine.operators.kit.base import Operator
from engine.operators.kit.guards import CompiledGuard


@dataclass(frozen=True, slots=True)
class Out:
    """An edge as the node it leaves holds it; see `engine.language.edges` for what the kinds mean."""

    kind: EdgeKind
    target: int
    handles: str = ""


@dataclass(slots=True)
class Node:
    """One task of a graph. Filled while the graph is compiled, read-only afterwards.

    ``plain`` and ``gates`` count the incoming edges by kind (AFTER counts as plain); ``owners`` are the tasks it handles the end of;
    ``handlers`` its incoming edges (PLAIN or AFTER) from handlers, whose owners stand in for a handler that was not needed.
    ``sides`` are the (choice, target) pairs whose chosen side it belongs to; for a choice, ``members`` lists each side's tasks.
    """

    index: int
    task_id: str
    operator_type: str
    operator: Operator
    result_key: str | None
    trigger_rule: str
    preconditions: tuple[CompiledGuard, ...] = ()
    postconditions: tuple[CompiledGuard, ...] = ()
    plain: int = 0
    gates: int = 0
    owners: list[int] = field(default_factory=list)
    handlers: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    join_mode: str = ""
    out: list[Out] = field(default_factory=list)
    sides: list[tuple[int, int]] = field(default_factory=list)
    members: dict[int, list[int]] = field(default_factory=dict)
    failure_handler: int | None = None
    absorbing_joins: list[int] = field(default_factory=list)
    body: Graph | None = None
    branches: Mapping[str, Graph] = field(default_factory=dict)
    activity: Graph | None = None

    @property
    def is_choice(self) -> bool:
        return self.operator_type in {"condition", "switch"}

    @property
    def tolerates_failure(self) -> bool:
        """Whether it may still start when the run is certain to fail. A join only looks at outcomes, and its own may have a handler."""
        return bool(self.joined) or self.trigger_rule in {"all_done", "one_done", "one_success"}

    @property
    def roots(self) -> frozenset[str]:
        """The names that this task, its guards and its body need. A branch's own are in its operator's."""
        found = self.operator.roots.union(*(guard.roots for guard in (*self.preconditions, *self.postconditions)))
        return found | self.body.roots if self.body else found


@dataclass(slots=True)
class Graph:
    """The tasks of one scope. ``variables`` are those that a branch defines for itself, ``roots`` all names its templates use."""

    nodes: list[Node]
    index: dict[str, int]
    variables: JsonObject = field(default_factory=dict)
    roots: frozenset[str] = frozenset()

    def node(self, task_id: str) -> Node:
        return self.nodes[self.index[task_id]]


def after_index(graph: Graph, index: int) -> set[int]:
    """Everything that comes after a task, by whatever kind of edge."""
    found: set[int] = set()
    to_do = [index]
    while to_do:
        new = {edge.target for edge in graph.nodes[to_do.pop()].out} - found
        found |= new
        to_do.extend(new)
    return found
