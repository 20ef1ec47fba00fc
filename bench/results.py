"""What a measurement gives, and the median of several."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Costs:
    """What one finished workflow cost at load; None where it cannot be seen. CPU in milliseconds, of all processes together."""

    commits: float | None = None
    worker_cpu_ms: float | None = None
    server_cpu_ms: float | None = None
    bytes: float | None = None
    worker_rss_mb: float | None = None
    dead_tuples: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``label`` tells it from other lines of its workload; times are in milliseconds."""

    label: str = ""
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One workload on one system, once. ``notes`` say what the figures alone do not."""

    workload: str
    system: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def percentile(values: Iterable[float], share: float) -> float:
    """The least value that so large a share of ``values`` does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def latency(seconds: Sequence[float], label: str = "") -> Figure:
    """Median and 99th percentile of durations."""
    return Figure(label, p50_ms=1000 * percentile(seconds, 0.5), p99_ms=1000 * percentile(seconds, 0.99))


def median(results: Sequence[Result]) -> Result:
    """The median of each figure over rounds of the same workload on the same system."""
    labels = dict.fromkeys(figure.label for result in results for figure in result.figures)
    by_label = {
        label: [figure for result in results for figure in result.figures if figure.label == label] for label in labels
    }
    figures = tuple(_median_figure(label, of_rounds) for label, of_rounds in by_label.items())
    return Result(results[0].workload, results[0].system, figures, results[-1].notes)


def _median_figure(label: str, figures: Sequence[Figure]) -> Figure:
    costs = [figure.costs for figure in figures if figure.costs is not None]
    return Figure(
        label,
        _middle(figure.per_second for figure in figures),
        _middle(figure.p50_ms for figure in figures),
        _middle(figure.p99_ms for figure in figures),
        _median_costs(costs) if costs else None,
    )


def _median_costs(costs: Sequence[Costs]) -> Costs:
    rows = [asdict(each) for each in costs]
    return Costs(**{field.name: _middle(row[field.name] for row in rows) for field in fields(Costs)})


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
