"""What a campaign is: a fault done many times, and what is counted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.arena import Arena
from tests.crash.effects import Effects
from tests.support.forking import ForkServer
from tests.support.session import Session

Tick = Callable[[int], None]
GENEROUS_SECONDS = 90.0  # for slices: they run beside other tests on machines that stand still for seconds at a time


@dataclass
class Stage:
    """Where campaigns get their arenas and servers. Its arenas share a fork server and the world outside."""

    session: Session
    folder: Path
    effects: Effects = field(default_factory=Effects)
    forks: ForkServer = field(init=False)
    _numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.forks = ForkServer(self.folder, "tests.crash.jobs")

    def arena(self, session: Session | None = None, **how: Any) -> Arena:
        """A fresh database with its processes; use it as a context."""
        folder = self.folder / f"arena-{next(self._numbers)}"
        return Arena(session or self.session, folder, self.forks, self.effects, **how)

    def close(self) -> None:
        """End what the arenas share."""
        self.forks.close()
        self.effects.close()


@dataclass
class Tally:
    """How much was done, what was wrong, and the figures for the table."""

    done: int = 0
    problems: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    skipped: str = ""  # why nothing could be done here

    def text(self) -> str:
        """The figures in one line."""
        return self.skipped or ", ".join(f"{value} {name}" for name, value in self.figures.items())


@dataclass(frozen=True, slots=True)
class Campaign:
    """One row of the table. ``quantities``: for `make test`, for `make crash`, and in full."""

    name: str
    title: str
    target: str
    anchor: str
    quantities: tuple[int, int, int]
    run: Callable[[Stage, int, int, Tick], Tally]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
