"""One round: some runs, two workers and a client that hurt themselves, healthy ones in their place, and the oracles at the end."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.kit.fault_points import FaultPoint
from tests.crash import oracles
from tests.crash.arena import LEASE_SECONDS, Arena, Forked
from tests.crash.faults import Action, Fault
from tests.crash.workload import Workload, everything, listener, long_step

ROUND_SECONDS = 90.0
DRAIN_SECONDS = 15.0
_BY_CLIENT = ("submit.", "emit.before_reply", "emit.after", "cancel.before", "cancel.after")
_BY_SIGNAL = ("drain.", "shutdown.")
_SELDOM = {
    FaultPoint.REAPER_UPDATE,
    FaultPoint.REAPER_AFTER,
}  # reached by whoever buries somebody: arm the healthy ones

# Where a lost connection may come out of the ground. Elsewhere no connection is used.
MAY_RAISE = tuple(
    point
    for point in FaultPoint
    if point.startswith(("claim.", "load.", "step.before_c", "step.after_c", "heartbeat.", "reaper.", "recovery."))
)
# Reached many times in a round; all others are hurt at their first time.
_OFTEN = ("claim.", "load.", "step.", "timer.scan", "recovery.", "reaper.select", "wait.", "fork.child", "call.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done in a round. The same seed gives the same plan; what the machine makes of it may differ."""

    seed: int
    faults: tuple[Fault, ...]  # one a victim

    @property
    def points(self) -> set[FaultPoint]:
        return {fault.point for fault in self.faults}

    @property
    def drains(self) -> bool:
        """Whether the victims are told to stop."""
        return any(point.startswith(_BY_SIGNAL) for point in self.points)

    @property
    def cancels(self) -> bool:
        """Whether a run in the middle of a long step is cancelled."""
        return self.drains or any(point.startswith("cancel.") for point in self.points)

    def __str__(self) -> str:
        return f"seed {self.seed}: {' '.join(map(str, self.faults))}"


def plan_for(point: FaultPoint, seed: int, action: Action | None = None) -> Plan:
    """Two victims hurt at one point, early or late."""
    chance = random.Random(f"{point}/{seed}")  # noqa: S311 - repeatable
    chosen: Action = action or ("raise" if point in MAY_RAISE and chance.random() < 0.25 else "kill")
    times = (1, 1, 2, 3, 5, 8) if point.startswith(_OFTEN) else (1,)
    return Plan(seed, tuple(Fault(point, chosen, chance.choice(times)) for _ in range(2)))


def random_plan(seed: int) -> Plan:
    """Two victims hurt anywhere, in any way."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    faults = []
    for _ in range(2):
        point = chance.choice(list(FaultPoint))
        actions: list[Action] = ["kill", "kill", "stop"] + (["raise"] if point in MAY_RAISE else [])  # type: ignore[list-item]
        faults.append(Fault(point, chance.choice(actions), chance.randint(1, 12)))
    return Plan(seed, tuple(faults))


@dataclass
class Round:
    """A plan being played."""

    arena: Arena
    plan: Plan
    queue: str = field(default_factory=lambda: f"q{uuid.uuid4().hex[:8]}")
    victims: list[Forked] = field(default_factory=list)
    healthy: list[Forked] = field(default_factory=list)
    expected: dict[str, Workload] = field(default_factory=dict)

    def play(self) -> list[str]:
        """Play it to the end; what the oracles found."""
        try:
            self._start()
            self._finish()
            return self._judge()
        except AssertionError as error:
            return [str(error)]
        finally:
            for worker in self.victims + self.healthy:
                worker.kill()

    def _start(self) -> None:
        options: dict[str, Any] = {"queues": [self.queue], "grace_seconds": 0.2 if self.plan.drains else 5.0}
        seldom = self.plan.points & _SELDOM
        faults = [Fault(FaultPoint.STEP_BEFORE_CHECKPOINT)] * 2 if seldom else list(self.plan.faults)
        on_client = [fault for fault in faults if fault.point.startswith(_BY_CLIENT)]
        self.victims = [self.arena.worker([fault], **options) for fault in faults]
        if seldom:
            self.healthy = [self.arena.worker([fault], **options) for fault in self.plan.faults]
        self._steps = self._client_steps()
        self._client = self.arena.client(self._steps, on_client[:1])
        self._stopped_at: float | None = None

    def _client_steps(self) -> list[dict[str, Any]]:
        wanted = [everything(self.arena.effects.url), listener()] + ([long_step()] if self.plan.cancels else [])
        self.expected = {f"{self.queue}-{workload.name}": workload for workload in wanted}
        steps: list[dict[str, Any]] = [
            {"do": "submit", "key": key, "definition": str(self.arena.register(workload)), "queue": self.queue}
            for key, workload in self.expected.items()
        ]
        steps.append({"do": "emit", "run": f"{self.queue}-listener", "name": "go"})
        if self.plan.cancels:
            steps.append({"do": "await", "run": f"{self.queue}-long"})
            steps += [] if self.plan.drains else [{"do": "cancel", "run": f"{self.queue}-long"}]
        return steps

    def _finish(self) -> None:
        end = time.monotonic() + ROUND_SECONDS
        while not self._is_over():
            assert time.monotonic() < end, (
                f"{self.plan} is not over after {ROUND_SECONDS:g} s\n{self.arena.log()[-2000:]}"
            )
            self._replace_the_dead()
            self._wake_the_stopped()
            time.sleep(0.03)

    def _is_over(self) -> bool:
        if not self._client.gone():
            return False
        if self._steps and not self._client_is_done():
            self._client = self.arena.client(self._steps)  # the user's program tries again, with the same keys
            return False
        if self.plan.drains and not self.healthy:
            return self._drain()
        return self.arena.open_runs(list(self._runs().values())) == 0

    def _client_is_done(self) -> bool:
        """Whether the last step is in the ledger."""
        last = self._steps[-1]
        named = self._runs().get(last["run"])
        return any(entry["do"] == last["do"] and entry["run"] == str(named) for entry in self.arena.ledger())

    def _drain(self) -> bool:
        """Tell the victims to stop in the middle of the long step; then cancel it, as nobody wants to wait for its end."""
        for victim in self.victims:
            victim.send(signal.SIGTERM)
        end = time.monotonic() + DRAIN_SECONDS
        while not all(victim.gone() for victim in self.victims):
            assert time.monotonic() < end, f"{self.plan}: a worker did not stop\n{self.arena.log()}"
            self._wake_the_stopped()  # one may be told to freeze in the middle of its leaving
            time.sleep(0.03)
        self.healthy = [self.arena.worker(queues=[self.queue])]
        self._steps = [*self._steps, {"do": "cancel", "run": f"{self.queue}-long"}]
        return False

    def _replace_the_dead(self) -> None:
        alive = [worker for worker in self.victims + self.healthy if not worker.gone()]
        stopped = sum(
            1
            for line in self.arena.fired()
            if ":stop:" in line and int(line.split()[0]) in {each.pid for each in alive}
        )
        if len(alive) - stopped < 2 and not (self.plan.drains and not self.healthy):
            self.healthy.append(self.arena.worker(queues=[self.queue]))

    def _wake_the_stopped(self) -> None:
        """SIGCONT when the lease is long over: the zombie shall find that nothing is its own."""
        ours = {worker.pid for worker in self.victims}
        if any(":stop:" in line and int(line.split()[0]) in ours for line in self.arena.fired()):
            self._stopped_at = self._stopped_at or time.monotonic()
            if time.monotonic() > self._stopped_at + LEASE_SECONDS + 1:
                for victim in self.victims:
                    victim.send(signal.SIGCONT)

    def _runs(self) -> dict[str, UUID]:
        """Accepted runs by key."""
        ours = [entry for entry in self.arena.ledger() if entry.get("key") in self.expected]
        return {entry["key"]: UUID(entry["run"]) for entry in ours}

    def _judge(self) -> list[str]:
        found: list[str] = []
        runs = self._runs()
        for key, workload in self.expected.items():
            if workload.name == "long":
                state = self.arena.query(
                    "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s", runs[key]
                )
                found += [] if state == [("cancelled",)] else [f"I8 the cancelled run is {state}"]
            else:
                found += oracles.completed_rightly(self.arena, workload, [runs[key]])
        found += oracles.everywhere(self.arena)
        return [f"{self.plan}: {problem}" for problem in found]


def play(arena: Arena, plans: Sequence[Plan]) -> list[str]:
    """Play rounds one after the other."""
    return [problem for plan in plans for problem in Round(arena, plan).play()]
