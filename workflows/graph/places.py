"""Where the cells of ordered layers stand, in pixels: the second half of a layered layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from workflows.graph.layers import Cell

LAYER_GAP = 44.0
SIBLING_GAP = 18.0
ROUNDS = 4
FULL_EFFORT_CELLS = 3000


def place(layers: Sequence[Sequence[Cell]]) -> None:
    """Set ``along`` and ``across`` of every cell: layers follow each other, cells stand under the median of their neighbours."""
    along = 0.0
    for layer in layers:
        depth = max(cell.depth for cell in layer)
        _pack(layer)
        for cell in layer:
            cell.along = along + (depth - cell.depth) / 2 if not cell.id else along
        along += depth + LAYER_GAP
    for _ in range(_rounds(layers)):
        for layer in layers[1:]:
            _settle(layer, _above)
        for layer in layers[-2::-1]:
            _settle(layer, _below)


def _rounds(layers: Sequence[Sequence[Cell]]) -> int:
    """The effort is bounded by size and not by a clock, so that the same definition always gives the same drawing."""
    return ROUNDS if sum(map(len, layers)) <= FULL_EFFORT_CELLS else 1


def _above(cell: Cell) -> list[Cell]:
    return cell.above


def _below(cell: Cell) -> list[Cell]:
    return cell.below


def _pack(layer: Sequence[Cell]) -> None:
    across = 0.0
    for cell in layer:
        cell.across = across
        across += cell.breadth + SIBLING_GAP


def _settle(layer: Sequence[Cell], neighbours: Callable[[Cell], list[Cell]]) -> None:
    """Move every cell as near to its wish as the order and the gaps allow (least squares, by pooling adjacent violators)."""
    offset = 0.0
    offsets: list[float] = []
    pools: list[tuple[float, int]] = []  # (mean wish, how many cells): means never fall from one pool to the next
    for cell in layer:
        offsets.append(offset)
        wish, size = _wish(cell, neighbours(cell)) - offset, 1
        while pools and pools[-1][0] > wish:
            mean, count = pools.pop()
            wish = (mean * count + wish * size) / (count + size)
            size += count
        pools.append((wish, size))
        offset += cell.breadth + SIBLING_GAP
    means = [mean for mean, size in pools for _ in range(size)]
    for cell, mean, start in zip(layer, means, offsets, strict=True):
        cell.across = mean + start


def _wish(cell: Cell, neighbours: Sequence[Cell]) -> float:
    if not neighbours:
        return cell.across
    return median(neighbour.across + neighbour.breadth / 2 for neighbour in neighbours) - cell.breadth / 2
