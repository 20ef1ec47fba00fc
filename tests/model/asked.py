"""What the commands of a program have asked of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.model.stages import Workflow

KEPT = ("slot", "queue", "single")  # flows that count for the runs that follow from one, too


@dataclass
class Asked:
    """What the commands did to one run.

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

    def restarted(self) -> None:
        """It goes on as if nobody had stopped it."""
        self.stops, self.killed, self.restarts = [], False, self.restarts + 1
        self.delay = 0  # a restart is now

    def follower(self, inputs: dict[str, Any] | None = None) -> Asked:
        """A run that follows from this one: a retry, a fork, or the next of its chain, which has inputs of its own."""
        return Asked(
            self.workflow, self.inputs if inputs is None else inputs, flow=self.flow if self.flow in KEPT else ""
        )
