"""What is drawn: a tree of nodes with edges between siblings, and the same with places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["tb", "lr"]
EdgeKind = Literal["flow", "choice", "handler", "back"]


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another of the same container. ``label`` stands next to the target."""

    source: str
    target: str
    label: str = ""
    kind: EdgeKind = "flow"


@dataclass(frozen=True, slots=True)
class Node:
    """A step of the definition, or a container of steps when it has children.

    ``id`` is its address in the run: the step key without loop indices, after the scope of its branch (``fork.stock/reserve``).
    """

    id: str
    kind: str
    label: str
    name: str = ""
    note: str = ""
    children: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    def walk(self) -> list[Node]:
        """This node and everything in it, containers before their contents, in the order of the definition."""
        found: list[Node] = []
        open_nodes = [self]
        while open_nodes:
            node = open_nodes.pop()
            found.append(node)
            open_nodes.extend(reversed(node.children))
        return found


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the drawing, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its place: upper left corner and size, in pixels of the whole drawing."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """An edge with its way: the points it passes, from the border of its source to the border of its target."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished layout. ``boxes`` come in reading order, containers before their contents."""

    width: float
    height: float
    direction: Direction
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
