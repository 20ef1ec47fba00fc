"""Lines and texts that fit: what every way of writing a drawing down needs."""

from __future__ import annotations

from itertools import pairwise

from workflows.graph.model import Direction, Point


def smooth(points: tuple[Point, ...], direction: Direction) -> str:
    """A curve that leaves and arrives along the flow."""
    path = f"M{points[0].x:.0f} {points[0].y:.0f}"
    for start, end in pairwise(points):
        if direction == "tb":
            middle = (start.y + end.y) / 2
            path += f"C{start.x:.0f} {middle:.0f} {end.x:.0f} {middle:.0f} {end.x:.0f} {end.y:.0f}"
        else:
            middle = (start.x + end.x) / 2
            path += f"C{middle:.0f} {start.y:.0f} {middle:.0f} {end.y:.0f} {end.x:.0f} {end.y:.0f}"
    return path


def sharp(points: tuple[Point, ...]) -> str:
    """A line with corners."""
    return "M" + "L".join(f"{point.x:.0f} {point.y:.0f}" for point in points)


def short(text: str, length: int) -> str:
    """The text, cut to a length with a mark that says so."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"
