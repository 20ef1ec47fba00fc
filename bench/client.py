"""What every system's client does for the measuring loops. It runs in the environment of its system, with that system's own library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Stage = Literal["open", "waiting", "done", "failed"]

# The kinds of workflow that every system has, as its own users would write them:
#   one_step    one step that does nothing
#   ten_steps   ten such steps, one after another
#   fan_out     a parent that starts 100 workflows of one step, and ends when all have
#   wake_up     waits for an event, then one step, which tells when it began where the system does not note that itself
Kind = Literal["one_step", "ten_steps", "fan_out", "wake_up", "dsl"]
CHILDREN = 100
STEPS = 10


@dataclass(frozen=True, slots=True)
class Ends:
    """When runs ended, by the clock of this machine: how many, the time at which a fifth of them had, and the last."""

    count: int
    early: float
    last: float


class Client(Protocol):
    """Submits, and looks at what became of it."""

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:
        """Start one; durable when it returns. ``hold_seconds`` says that nobody shall run it yet, to systems that cannot be without a worker."""

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:
        """Start many, by the fastest way that the system's documentation has."""

    def emit(self, run: str) -> None:
        """Send a `wake_up` its event."""

    def stage(self, run: str) -> Stage:
        """How far it is, cheaply: by one look at the system's own truth."""

    def all_done(self) -> bool:
        """Whether no run is open."""

    def ends(self, since: float) -> Ends:
        """Of the runs (children not counted) that ended after ``since``."""

    def begun_at(self, run: str) -> float | None:
        """When a worker took it; None where the system does not say."""

    def resumed_at(self, run: str) -> float:
        """When the step behind the wait of a `wake_up` began, by the clock of this machine."""

    def close(self) -> None:
        """Let go of connections."""
