"""Which layer a node stands in, and where in its layer: the first half of a layered layout.

Everything is stable: equal keys keep the order of the definition, so the same definition always gives the same drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workflows.graph.model import Edge

MAX_WAYPOINTS = 4000
SWEEPS = 4


@dataclass(slots=True)
class Cell:
    """A node, or a waypoint of a long edge, while it is being placed. ``depth`` runs along the flow, ``breadth`` across it."""

    id: str
    breadth: float
    depth: float
    layer: int = 0
    position: int = 0
    along: float = 0.0
    across: float = 0.0
    above: list[Cell] = field(default_factory=list)
    below: list[Cell] = field(default_factory=list)


def without_back_edges(ids: Sequence[str], edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
    """Part the edges into those that run forward and those that close a cycle, found depth first in the order of the definition."""
    outgoing: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.kind != "back":
            outgoing[edge.source].append(edge.target)
    closing = _closing_edges(ids, outgoing)
    forward = [edge for edge in edges if edge.kind != "back" and (edge.source, edge.target) not in closing]
    back = [edge for edge in edges if edge.kind == "back" or (edge.source, edge.target) in closing]
    return forward, back


def _closing_edges(ids: Sequence[str], outgoing: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    closing: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in ids:
        if root in done:
            continue
        path, on_path = [(root, iter(outgoing[root]))], {root}
        while path:
            node, targets = path[-1]
            target = next(targets, None)
            if target is None:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif target in on_path:
                closing.add((node, target))
            elif target not in done:
                path.append((target, iter(outgoing[target])))
                on_path.add(target)
    return closing


def assign_layers(ids: Sequence[str], forward: Sequence[Edge]) -> dict[str, int]:
    """Give every node the length of the longest way to it. ``forward`` must be free of cycles."""
    incoming: dict[str, int] = dict.fromkeys(ids, 0)
    outgoing: dict[str, list[str]] = defaultdict(list)
    for edge in forward:
        incoming[edge.target] += 1
        outgoing[edge.source].append(edge.target)
    ready = [node for node in ids if not incoming[node]]
    layer = dict.fromkeys(ids, 0)
    for node in ready:  # grows while it is walked
        for target in outgoing[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            incoming[target] -= 1
            if not incoming[target]:
                ready.append(target)
    return layer


def link(cells: dict[str, Cell], forward: Sequence[Edge], waypoint_breadth: float) -> list[list[Cell]]:
    """Tie the cells along their edges, with a waypoint in every layer that an edge passes; the way of each edge from cell to cell.

    Past `MAX_WAYPOINTS` long edges go straight: a drawing that big is not read by its edges, and the work stays bounded.
    """
    spare = MAX_WAYPOINTS
    ways = []
    for edge in forward:
        source, target = cells[edge.source], cells[edge.target]
        between = range(source.layer + 1, target.layer)
        way = [source]
        if len(between) <= spare:
            spare -= len(between)
            way += [Cell("", waypoint_breadth, 0.0, layer) for layer in between]
        way.append(target)
        for upper, lower in pairwise(way):
            upper.below.append(lower)
            lower.above.append(upper)
        ways.append(way)
    return ways


def stack(cells: Sequence[Cell], ways: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """The layers from first to last, each ordered so that few edges cross: nodes move towards the middle of their neighbours."""
    layers: list[list[Cell]] = [[] for _ in range(max((cell.layer for cell in cells), default=-1) + 1)]
    for cell in cells:
        layers[cell.layer].append(cell)
    for way in ways:
        for waypoint in way[1:-1]:
            layers[waypoint.layer].append(waypoint)
    for layer in layers:
        _number(layer)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for layer in layers[1:] if downwards else layers[-2::-1]:
            layer.sort(key=_middle_above if downwards else _middle_below)
            _number(layer)
    return layers


def _number(layer: Sequence[Cell]) -> None:
    for position, cell in enumerate(layer):
        cell.position = position


def _middle_above(cell: Cell) -> float:
    return _middle(cell, cell.above)


def _middle_below(cell: Cell) -> float:
    return _middle(cell, cell.below)


def _middle(cell: Cell, neighbours: Sequence[Cell]) -> float:
    if not neighbours:
        return cell.position
    return sum(neighbour.position for neighbour in neighbours) / len(neighbours)
