"""Writes the edges of a graph into its nodes, in the form in which the flow reads them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.interpreter.graph import Node, Out
from engine.language.definition import Join, Operator
from engine.language.edges import EdgeKind, resolve_edges
from engine.operators.join import ABSORBING


def connect(operators: Sequence[Operator], nodes: Sequence[Node]) -> None:
    """Fill the edges of ``nodes``, which stand in the order of ``operators``. Raises TooComplexError."""
    found = resolve_edges(operators)
    for edge in found.edges:
        source, target = nodes[edge.source], nodes[edge.target]
        source.out.append(Out(edge.kind, edge.target, edge.handles))
        if edge.kind in {EdgeKind.PLAIN, EdgeKind.AFTER}:
            target.plain += 1
        elif edge.kind is EdgeKind.GATE:
            target.gates += 1
        elif edge.kind is EdgeKind.HANDLER:
            target.owners.append(edge.source)
            if edge.handles == "failed":
                source.failure_handler = edge.target
        else:
            _connect_join(operators[edge.target], source, target)
    for edge in found.edges:
        if edge.kind in {EdgeKind.PLAIN, EdgeKind.AFTER} and nodes[edge.source].owners:
            nodes[edge.target].handlers.append(edge.source)
    for side in found.sides:
        nodes[side.choice].members[side.target] = list(side.members)
        for member in side.members:
            nodes[member].sides.append((side.choice, side.target))


def _connect_join(operator: Operator, named: Node, join: Node) -> None:
    join.joined.append(named.index)
    if isinstance(operator, Join):
        join.join_mode = operator.join_mode
        if operator.join_mode in ABSORBING:
            named.absorbing_joins.append(join.index)
