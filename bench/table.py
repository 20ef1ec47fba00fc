"""The one table: every system's medians beside each other, with how they stand to ours and to the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.names import FLOOR, OURS
from bench.results import Costs, Figure, Result

HEADER = ("workload", "system", "per second", "p50 ms", "p99 ms", "to ours", "to floor")
COST_HEADER = (
    "system",
    "processes",
    "commits",
    "worker CPU ms",
    "server CPU ms",
    "bytes",
    "dead rows",
    "worker RSS MB",
)
LEGEND = '"to ours" and "to floor" are speeds: 0.10 is a tenth as fast, in work a second, or ten times the time where times are measured (p50).'

Row = tuple[str, ...]


def rows(results: Sequence[Result]) -> list[Row]:
    """One row a figure, workloads in the order in which they were measured."""
    by_place = {(each.workload, figure.label, each.system): figure for each in results for figure in each.figures}
    places = dict.fromkeys((workload, label) for workload, label, _ in by_place)
    systems = list(dict.fromkeys(each.system for each in results))
    made: list[Row] = []
    for workload, label in sorted(places, key=lambda place: [each.workload for each in results].index(place[0])):
        floor = by_place.get((workload, label, FLOOR))
        ours = by_place.get((workload, label, OURS)) or by_place.get((workload, "", OURS))
        for system in systems:
            figure = by_place.get((workload, label, system))
            if figure is not None:
                made.append(_row(f"{workload} {label}".strip(), system, figure, ours, floor))
    return made


def cost_rows(results: Iterable[Result]) -> list[Row]:
    """What a finished one-step workflow cost, from W6."""
    return [
        (each.system, figure.label, *_costs(figure.costs))
        for each in results
        for figure in each.figures
        if figure.costs is not None
    ]


def as_text(header: Row, body: Sequence[Row]) -> str:
    """Columns as wide as they must be; names to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (header, *body)) for place in range(len(header))]
    return "\n".join(_line(row, widths) for row in (header, tuple("-" * width for width in widths), *body))


def as_markdown(header: Row, body: Sequence[Row]) -> str:
    """The same for a document."""
    ruler = ("---", "---", *("---:" for _ in header[2:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *body))


def _row(place: str, system: str, figure: Figure, ours: Figure | None, floor: Figure | None) -> Row:
    times = (_number(figure.p50_ms), _number(figure.p99_ms))
    return (place, system, _number(figure.per_second), *times, _speed(figure, ours), _speed(figure, floor))


def _speed(figure: Figure, other: Figure | None) -> str:
    """How fast against the other."""
    if other is None:
        return ""
    if figure.per_second and other.per_second:
        return f"{figure.per_second / other.per_second:.2f}"
    if figure.p50_ms and other.p50_ms:
        return f"{other.p50_ms / figure.p50_ms:.2f}"
    return ""


def _costs(costs: Costs) -> Row:
    figures = (costs.commits, costs.worker_cpu_ms, costs.server_cpu_ms, costs.bytes, costs.dead_tuples)
    return (*(_number(figure) for figure in figures), _number(costs.worker_rss_mb))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.1f}"


def _line(row: Row, widths: Sequence[int]) -> str:
    names, numbers = zip(row[:2], widths[:2], strict=True), zip(row[2:], widths[2:], strict=True)
    cells = [*(cell.ljust(width) for cell, width in names), *(cell.rjust(width) for cell, width in numbers)]
    return "  ".join(cells).rstrip()
