"""A run on a time axis: one row a step, in percent of the width, with long idle times folded away.

Everything is computed here and written as percentages, so the timeline works without scripts. Times come from the run only, never
from the clock: an unchanged run gives an unchanged timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.model.views import StepView
from highway_platform.kit.durations import duration

FOLD_SHARE = 0.2
FOLD_SECONDS = 600.0
FOLDED_PERCENT = 5.0
FOLD_LABEL_PERCENT = 9.0
LEAST_BAR_PERCENT = 0.4
TICKS = 5

# Steps that only stand for time, or for other steps: while nothing but these is open, nothing is done.
IDLE = frozenset({"wait", "wait_for_event", "foreach", "while", "parallel", "multi_choice", "join", "child_workflow"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis: from a time to a time, drawn from a percentage to a percentage. A folded one is idle time."""

    begin: datetime
    end: datetime
    left: float
    right: float
    folded: bool = False

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def label(self) -> str:
        return duration((self.end - self.begin).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis: where, and how long after the start."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step's bar. ``notches`` are where attempts ended; an open bar reaches to the end of the axis."""

    step: StepView
    left: float
    width: float
    notches: tuple[float, ...]
    is_open: bool

    @property
    def is_hatched(self) -> bool:
        """Open bars and sleeps look unlike work."""
        return self.is_open or self.step.operator in {"wait", "wait_for_event"}


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole: rows in order of their start, ticks, and the idle times that were folded."""

    rows: tuple[Row, ...] = ()
    ticks: tuple[Tick, ...] = ()
    folds: tuple[Stretch, ...] = ()


def order_of_start(step: StepView) -> tuple[datetime | None, int, int]:
    """By time; a loop before its rounds, which begin at the same moment."""
    return step.started_at, step.key.count("/"), step.seq


def make_timeline(steps: Iterable[StepView], *, run_is_open: bool) -> Timeline:
    """Place the steps that have started. Steps that were skipped took no time and have no row."""
    shown = sorted(
        (step for step in steps if step.started_at and step.status != "skipped"),
        key=order_of_start,
    )
    if not shown:
        return Timeline()
    axis = _axis(shown)
    rows = tuple(_row(step, axis, run_is_open=run_is_open) for step in shown)
    return Timeline(rows, _ticks(axis), tuple(stretch for stretch in axis if stretch.folded))


def _span(step: StepView) -> tuple[datetime, datetime]:
    assert step.started_at is not None  # noqa: S101 - only started steps are shown
    last_failure = max((attempt.at for attempt in step.attempts), default=step.started_at)
    return step.started_at, max(step.finished_at or last_failure, step.started_at)


def _axis(steps: Sequence[StepView]) -> list[Stretch]:
    """Busy and idle stretches in turn. Long idle ones get a fixed width, what is left is shared by time."""
    spans = [_span(step) for step in steps]
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    working = [span for step, span in zip(steps, spans, strict=True) if step.operator not in IDLE and not step.wait]
    busy = [(first, first), *_merged(working), (last, last)]
    whole = max((last - first).total_seconds(), 0.001)
    pieces: list[tuple[datetime, datetime, bool]] = []
    for begin, end in busy:
        idle = (begin - pieces[-1][1]).total_seconds() if pieces else 0.0
        if idle > 0:
            pieces.append((pieces[-1][1], begin, idle > FOLD_SHARE * whole or idle > FOLD_SECONDS))
        pieces.append((begin, end, False))
    return _placed(pieces)


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _placed(pieces: Sequence[tuple[datetime, datetime, bool]]) -> list[Stretch]:
    folded = sum(fold for _, _, fold in pieces)
    seconds = sum((end - begin).total_seconds() for begin, end, fold in pieces if not fold) or 0.001
    per_second = (100.0 - folded * FOLDED_PERCENT) / seconds
    axis, left = [], 0.0
    for begin, end, fold in pieces:
        width = FOLDED_PERCENT if fold else (end - begin).total_seconds() * per_second
        axis.append(Stretch(begin, end, left, left + width, fold))
        left += width
    return axis


def _percent(axis: Sequence[Stretch], moment: datetime) -> float:
    for stretch in axis:
        if moment <= stretch.end:
            length = (stretch.end - stretch.begin).total_seconds()
            share = (moment - stretch.begin).total_seconds() / length if length else 0.0
            return stretch.left + max(share, 0.0) * stretch.width
    return 100.0


def _row(step: StepView, axis: Sequence[Stretch], *, run_is_open: bool) -> Row:
    begin, end = _span(step)
    is_open = run_is_open and step.finished_at is None
    left = min(_percent(axis, begin), 100.0 - LEAST_BAR_PERCENT)
    right = 100.0 if is_open else _percent(axis, end)
    notches = tuple(_percent(axis, attempt.at) for attempt in step.attempts if attempt.at < end)
    return Row(step, left, max(right - left, LEAST_BAR_PERCENT), notches, is_open)


def _ticks(axis: Sequence[Stretch]) -> tuple[Tick, ...]:
    """Marks at even distances, at the times they stand for; none inside a fold."""
    start = axis[0].begin
    marks = []
    for index in range(TICKS):
        left = 100.0 * index / TICKS
        stretch = next((part for part in axis if part.left <= left <= part.right), axis[-1])
        beside_fold = any(abs(part.middle - left) < FOLD_LABEL_PERCENT for part in axis if part.folded)
        if not stretch.folded and not beside_fold:
            share = (left - stretch.left) / stretch.width if stretch.width else 0.0
            moment = stretch.begin + timedelta(seconds=share * (stretch.end - stretch.begin).total_seconds())
            marks.append(Tick(left, duration((moment - start).total_seconds() * 1000)))
    return tuple(marks)
