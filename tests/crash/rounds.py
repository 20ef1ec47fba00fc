"""One round: some runs, workers and a client that hurt themselves until the plan is done, healthy ones after them, and the oracles at the end."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.kit.fault_points import FaultPoint
from tests.crash import oracles
from tests.crash.arena import LEASE_SECONDS, Arena
from tests.crash.faults import Fault
from tests.crash.plans import SELDOM, Plan, is_clients
from tests.crash.together import together
from tests.crash.workload import Workload, beating, everything, inbox, listener, long_step, saga
from tests.support.forking import Forked

ROUND_SECONDS = 90.0
DRAIN_SECONDS = 15.0
TICKS = 3  # of the round's schedule, one after the other by a second


@dataclass
class Round:
    """A plan being played, in a queue of its own: several rounds may share an arena."""

    arena: Arena
    plan: Plan
    queue: str = field(default_factory=lambda: f"q{uuid.uuid4().hex[:8]}")
    victims: list[Forked] = field(default_factory=list)
    healthy: list[Forked] = field(default_factory=list)
    clients: list[Forked] = field(default_factory=list)
    expected: dict[str, Workload] = field(default_factory=dict)

    def play(self) -> list[str]:
        """Play it to the end, alone; what the oracles found, with what they found in the whole database."""
        found = play(self.arena, [self.plan], at_once=1)
        return found or [f"{self.plan}: {problem}" for problem in oracles.everywhere(self.arena)]

    def start(self) -> None:
        """Fork everybody."""
        self._ends_at = time.monotonic() + ROUND_SECONDS
        self._left_by: float | None = None  # until when those who were told to stop must have left
        options: dict[str, Any] = {"queues": [self.queue], "grace_seconds": 0.2 if self.plan.drains else 5.0}
        seldom = self.plan.points & SELDOM
        faults = [Fault(FaultPoint.STEP_BEFORE_CHECKPOINT)] if seldom else self.plan.faults
        self.victims = [self.arena.worker(faults, **options) for _ in range(2)]
        if seldom:
            self.healthy = [self.arena.worker(self.plan.faults, **options) for _ in range(2)]
        self._steps = self._client_steps()
        self._begin_client()

    def is_over(self) -> bool:
        """Look once, and do what is to be done now. Raises `AssertionError` when it takes too long."""
        assert time.monotonic() < self._ends_at, (
            f"{self.plan}: not over after {ROUND_SECONDS:g} s\n{self.arena.log()[-2000:]}"
        )
        self._wake_the_stopped()
        if not self.clients[-1].gone():
            self._replace_the_dead()
            return False
        if self._steps and not self._client_is_done():
            self._begin_client()  # the user's program tries again, with the same keys
            return False
        if self.plan.drains and not self.healthy:
            self._drain()
            return False
        if self.arena.open_in(self.queue):
            self._replace_the_dead()
            return False
        return True

    def judge(self) -> list[str]:
        """What the oracles found wrong with its runs."""
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
        found += oracles.i06_messages_are_taken_once(self.arena, runs[f"{self.queue}-inbox"])
        found += oracles.i14_ticks_are_fired_once(self.arena, self.queue, TICKS)
        return [f"{self.plan}: {problem}" for problem in found]

    def end(self) -> None:
        """Kill whoever is left."""
        for each in self._processes:
            each.kill()

    @property
    def _processes(self) -> list[Forked]:
        return [*self.victims, *self.healthy, *self.clients]

    def _begin_client(self) -> None:
        self.clients.append(self.arena.client(self._steps, self._left(by_client=True)))

    def _client_steps(self) -> list[dict[str, Any]]:
        url = self.arena.effects.url
        wanted = [everything(url), listener(), inbox(), saga(url)]
        wanted += [long_step()] if self.plan.cancels else []
        wanted += [beating()] if self.plan.beats else []
        self.expected = {f"{self.queue}-{workload.name}": workload for workload in wanted}
        steps: list[dict[str, Any]] = [
            {"do": "submit", "key": key, "definition": str(self.arena.register(workload)), "queue": self.queue}
            for key, workload in self.expected.items()
        ]
        schedule = {"key": f"{self.queue}-ticks", "workflow": "crash_tiny", "queue": self.queue, "ticks": TICKS}
        steps.append({"do": "schedule", **schedule})
        steps.append({"do": "emit", "run": f"{self.queue}-listener", "name": "go"})
        to_inbox = {"run": f"{self.queue}-inbox"}
        steps += [{"do": "signal", **to_inbox, "name": "item", "payload": number} for number in (1, 2)]
        steps.append({"do": "update", **to_inbox, "name": "price", "payload": "of tea"})
        steps += [{"do": "approve", **to_inbox, "step": "agree", "by": person} for person in ("ann", "bob")]
        if self.plan.cancels:
            steps.append({"do": "await", "run": f"{self.queue}-long"})
            steps += [] if self.plan.drains else [{"do": "cancel", "run": f"{self.queue}-long"}]
        return steps

    def _client_is_done(self) -> bool:
        """Whether the last step is in the ledger."""
        last = self._steps[-1]
        wanted = {**last, "run": str(self._runs().get(last["run"]))}
        return any(wanted.items() <= entry.items() for entry in self.arena.ledger())

    def _drain(self) -> None:
        """Tell the victims to stop in the middle of the long step; then cancel it, as nobody wants to wait for its end."""
        if self._left_by is None:
            self._left_by = time.monotonic() + DRAIN_SECONDS
            for victim in self.victims:
                victim.send_signal(signal.SIGTERM)
        if not all(victim.gone() for victim in self.victims):
            assert time.monotonic() < self._left_by, f"{self.plan}: a worker did not stop\n{self.arena.log()}"
            return
        self.healthy = [self.arena.worker(queues=[self.queue])]
        self._steps = [*self._steps, {"do": "cancel", "run": f"{self.queue}-long"}]

    def _replace_the_dead(self) -> None:
        alive = [worker for worker in self.victims + self.healthy if not worker.gone()]
        if len(alive) >= 2 and not self.plan.stops:
            return
        frozen = self._frozen()
        awake = [worker for worker in alive if worker.pid not in frozen]
        if len(awake) < 2 and not (self.plan.drains and not self.healthy):
            self.healthy.append(self.arena.worker(self._left(by_client=False), queues=[self.queue]))

    def _left(self, *, by_client: bool) -> list[Fault]:
        """The faults that nobody has done yet, those of a client or the others. None of a special plan: its two victims were enough."""
        if self.plan.is_special:
            return []
        done = {line.split()[1] for line in self._fired()}
        return [each for each in self.plan.faults if is_clients(each.point) == by_client and str(each) not in done]

    def _fired(self) -> list[str]:
        """What was done in this round."""
        ours = {each.pid for each in self._processes}
        return [line for line in self.arena.fired() if int(line.split()[0]) in ours]

    def _frozen(self) -> set[int]:
        """Process ids of whoever has stopped himself and is not to be woken yet; a client may have, too."""
        return {pid for pid, at in self._stops().items() if time.time() < at + LEASE_SECONDS + 1}

    def _stops(self) -> dict[int, float]:
        """When each process that has stopped itself did so for the last time, in the seconds of `time.time`."""
        return {int(line.split()[0]): float(line.split()[2]) for line in self._fired() if ":stop:" in line}

    def _wake_the_stopped(self) -> None:
        """SIGCONT when the lease is long over: the zombie shall find that nothing is its own."""
        if self.plan.stops:
            to_wake = self._stops().keys() - self._frozen()
            for each in self._processes:
                if each.pid in to_wake:
                    each.send_signal(signal.SIGCONT)

    def _runs(self) -> dict[str, UUID]:
        """Accepted runs by key."""
        ours = [entry for entry in self.arena.ledger() if entry["do"] == "submit" and entry["key"] in self.expected]
        return {entry["key"]: UUID(entry["run"]) for entry in ours}


def play(arena: Arena, plans: Sequence[Plan], at_once: int, tick: Callable[[int], None] = lambda _: None) -> list[str]:
    """Play rounds, so many at once; each is judged by its own runs. What concerns the whole database is the caller's to ask, at the end."""
    return together([Round(arena, plan) for plan in plans], at_once, tick)
