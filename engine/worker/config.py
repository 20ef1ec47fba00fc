"""How a worker is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.db.connection import IDLE_SECONDS
from engine.durable.runners import RunnerSettings
from engine.durable.tool_context import HttpPolicy
from engine.model.queues import served
from engine.ports import Sandbox, Services
from engine.tools.spec import ToolSpec

HEARTBEAT_SECONDS = 1.0
POLL_SECONDS = 1.0  # with every notification lost, work is still found within this time
RUMOUR_SECONDS = 0.05  # after which a worker looks for what another one was asked to take


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """One worker process. ``capacity`` bounds the tasks it holds at a time, ``slots`` the tool calls that may block at a time.

    ``queues`` are named as `engine.model.queues` says: each for both of its sides, or for one.
    """

    dsn: str
    name: str
    tools: Mapping[str, ToolSpec[Any]]
    make_sandbox: Callable[[], Sandbox]
    queues: tuple[str, ...] = ("default",)
    slots: int = 16
    capacity: int = 500
    grace_seconds: float = 20.0
    lease_seconds: float = 30.0  # how long it may be silent before its tasks go to others
    http_policy: HttpPolicy = field(default_factory=HttpPolicy)
    runners: RunnerSettings = field(default_factory=RunnerSettings)
    services: Services = field(default_factory=Services)
    code_version: str = ""
    listens: bool = True  # false: every notification is lost, as behind some poolers; only the poll finds work
    always_suspend: bool = False  # for tests: every step is a re-entry

    def __post_init__(self) -> None:
        served(self.queues)  # a misspelt side would be a queue that nobody serves

    @property
    def whole_seconds(self) -> float:
        """How long its transactions may last: a frozen worker must not hold its rows beyond its lease."""
        return min(self.lease_seconds, IDLE_SECONDS)

    @property
    def run_queues(self) -> tuple[str, ...]:
        """Queues of runs and their branches that it serves."""
        return served(self.queues)[0]

    @property
    def activity_queues(self) -> tuple[str, ...]:
        """Queues of activities that it serves."""
        return served(self.queues)[1]

    @property
    def activity_slots(self) -> int:
        """How many activities it executes at a time. Where there are runs to serve, too, long calls must not take every slot."""
        return max(self.slots * 3 // 4, 1) if self.run_queues else self.slots
