"""What the commands of a program have asked of one run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.model.stages import Workflow

KEPT = ("slot", "queue", "single")  # flows that count for the runs that follow from one, too


@dataclass
class Asked:
    """What the commands did to one run.

    ``starters``: the names of those who had a hand in starting it, or the first of its line.
    ``flow``: how it met others; ``stops``: the status that it had after each accepted request to stop; ``withdrawn``: keys of its activities that
    were cancelled alone; ``emitted``: payload of the accepted, first emit from outside, by name; ``sent``: payloads of signals by name.
    """

    workflow: Workflow
    inputs: dict[str, Any]
    delay: float = 0
    flow: str = ""
    stops: list[str] = field(default_factory=list)
    killed: bool = False
    restarts: int = 0
    withdrawn: set[str] = field(default_factory=set)
    emitted: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, list[Any]] = field(default_factory=dict)
    starters: tuple[str, ...] = ("",)

    def restarted(self) -> None:
        """It goes on as if nobody had stopped it."""
        self.stops, self.killed, self.restarts = [], False, self.restarts + 1
        self.delay = 0  # a restart is now

    def follower(self) -> Asked:
        """A run that follows from this one, started by somebody without a name: a retry, or a fork."""
        return Asked(self.workflow, self.inputs, flow=self.flow if self.flow in KEPT else "")

    def next_of_chain(self) -> Asked:
        """The run as which this one goes on: with inputs of its own, and started by whoever started the first."""
        return replace(self.follower(), inputs={"round": self.inputs.get("round", 0) + 1}, starters=self.starters)
