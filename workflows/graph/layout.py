"""Give every node of a workflow a place: each container is laid out by itself, from the inside out, and stands in its parent as one box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workflows.graph.layers import Cell, assign_layers, link, stack, without_back_edges
from workflows.graph.model import Box, Direction, Drawing, Node, Point, Route
from workflows.graph.places import place

NODE_WIDTH = 204.0
NODE_HEIGHT = 52.0
PADDING = 12.0
TITLE_HEIGHT = 30.0
TITLE_MARGIN = 110.0  # both paddings, and the word for the state at the right
TITLE_WIDEST = 380.0
LETTER_WIDTH = 6.6
RETURN_LANE = 26.0
WAYPOINT_BREADTH = 10.0
ARROW = 5.0


@dataclass(slots=True)
class _Block:
    """A laid-out container: places relative to its own upper left corner."""

    width: float
    height: float
    boxes: list[Box] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How the two axes of a layout, across and along the flow, lie on the page. ``title`` is the height kept free for a frame's title."""

    direction: Direction
    title: float

    def point(self, across: float, along: float) -> Point:
        x, y = (across, along) if self.direction == "tb" else (along, across)
        return Point(x, y + self.title)

    def size(self, first: float, second: float) -> tuple[float, float]:
        """Width and height from breadth and depth, and the other way round."""
        return (first, second) if self.direction == "tb" else (second, first)


def draw(root: Node, direction: Direction = "tb") -> Drawing:
    """Lay out a workflow. Boxes of siblings never overlap, contents lie inside their container, and the result depends on the input only."""
    block = _arrange(root, _Sheet(direction, title=0.0))
    return Drawing(block.width, block.height, direction, tuple(block.boxes), tuple(block.routes))


def _arrange(container: Node, sheet: _Sheet) -> _Block:
    inner_sheet = _Sheet(sheet.direction, TITLE_HEIGHT)
    blocks = {child.id: _arrange(child, inner_sheet) for child in container.children if child.children}
    cells = {child.id: _cell(child, blocks.get(child.id), sheet) for child in container.children}
    known = [edge for edge in container.edges if edge.source in cells and edge.target in cells]
    forward, back = without_back_edges(list(cells), known)
    for node, layer in assign_layers(list(cells), forward).items():
        cells[node].layer = layer
    ways = link(cells, forward, WAYPOINT_BREADTH)
    every = _place(list(cells.values()), ways)
    breadth = _widen(every, _title_width(container) if sheet.title and sheet.direction == "tb" else 0.0)
    depth = max((cell.along + cell.depth for cell in every), default=0.0)
    corner = sheet.point(breadth + PADDING + (RETURN_LANE if back else 0.0), depth + PADDING)
    block = _Block(corner.x, corner.y)
    for child in container.children:
        _add_child(block, child, cells[child.id], blocks.get(child.id), sheet)
    block.routes += [Route(edge, _forward(way, sheet)) for edge, way in zip(forward, ways, strict=True)]
    lane = breadth + RETURN_LANE * 0.7
    block.routes += [Route(edge, _return(cells[edge.source], cells[edge.target], lane, sheet)) for edge in back]
    return block


def _place(cells: list[Cell], ways: list[list[Cell]]) -> list[Cell]:
    """Place cells and waypoints, at a padding's distance from the corner; all of them, layer by layer."""
    layers = stack(cells, ways)
    place(layers)
    every = [cell for layer in layers for cell in layer]
    shift = PADDING - min((cell.across for cell in every), default=0.0)
    for cell in every:
        cell.across += shift
        cell.along += PADDING
    return every


def _widen(cells: list[Cell], least: float) -> float:
    """Centre the cells in a frame that is at least so wide, so that its title can be read; the breadth that they then reach to."""
    breadth = max((cell.across + cell.breadth for cell in cells), default=0.0)
    spare = max(least - PADDING - breadth, 0.0)
    for cell in cells:
        cell.across += spare / 2
    return breadth + spare


def _title_width(container: Node) -> float:
    return min(TITLE_MARGIN + LETTER_WIDTH * len(container.label), TITLE_WIDEST)


def _cell(node: Node, block: _Block | None, sheet: _Sheet) -> Cell:
    width, height = (block.width, block.height) if block else (NODE_WIDTH, NODE_HEIGHT)
    return Cell(node.id, *sheet.size(width, height))


def _add_child(block: _Block, child: Node, cell: Cell, inner: _Block | None, sheet: _Sheet) -> None:
    corner = sheet.point(cell.across, cell.along)
    width, height = sheet.size(cell.breadth, cell.depth)
    block.boxes.append(Box(child, corner.x, corner.y, width, height))
    if inner is None:
        return
    for box in inner.boxes:
        block.boxes.append(Box(box.node, box.x + corner.x, box.y + corner.y, box.width, box.height))
    for route in inner.routes:
        moved = tuple(Point(point.x + corner.x, point.y + corner.y) for point in route.points)
        block.routes.append(Route(route.edge, moved))


def _forward(way: Sequence[Cell], sheet: _Sheet) -> tuple[Point, ...]:
    source, target = way[0], way[-1]
    points = [(source.across + source.breadth / 2, source.along + source.depth)]
    points += [(cell.across + cell.breadth / 2, cell.along) for cell in way[1:-1]]
    points.append((target.across + target.breadth / 2, target.along - ARROW))
    return tuple(sheet.point(across, along) for across, along in points)


def _return(source: Cell, target: Cell, lane: float, sheet: _Sheet) -> tuple[Point, ...]:
    """Out of the side of the source, along the outer lane, into the side of the target."""
    leave, arrive = source.along + source.depth / 2, target.along + target.depth / 2
    points = [
        (source.across + source.breadth, leave),
        (lane, leave),
        (lane, arrive),
        (target.across + target.breadth + ARROW, arrive),
    ]
    return tuple(sheet.point(across, along) for across, along in points)
