"""What is done to whom in a round. The same seed gives the same plan; what the machine makes of it may differ."""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.kit.fault_points import FaultPoint
from tests.crash.faults import Action, Fault

_BY_CLIENT = ("submit.", "emit.before_reply", "emit.after", "cancel.before", "cancel.after", "signal.", "update.")
_NOT_BY_CLIENT = (FaultPoint.EMIT_AFTER_COMMIT, FaultPoint.UPDATE_ANSWERED)
_BY_SIGNAL = ("drain.", "shutdown.")
# Reached by whoever buries somebody: arm the healthy ones.
SELDOM = frozenset({FaultPoint.REAPER_UPDATE, FaultPoint.REAPER_AFTER})
# Duties that any worker of the database may take: with other rounds beside it the victims might never come to them.
_SHARED = ("reaper.", "cron.")
_BEATS = frozenset({FaultPoint.ACTIVITY_BEAT, FaultPoint.ACTIVITY_BEAT_AFTER})

# Where a lost connection may come out of the ground. Elsewhere no connection is used.
MAY_RAISE = tuple(
    point
    for point in FaultPoint
    if point.startswith(
        (
            "claim.",
            "load.",
            "step.before_c",
            "step.after_c",
            "heartbeat.",
            "reaper.",
            "recovery.",
            "cron.",
            "activity.beat",
        )
    )
)
# Reached many times in a round; all others are hurt at their first time.
_OFTEN = (
    "claim.",
    "load.",
    "step.",
    "timer.scan",
    "recovery.",
    "reaper.select",
    "wait.",
    "fork.child",
    "call.",
)
_SOMETIMES = ("undo.call", "cron.insert_run", "message.heard", "signal.")  # two to four times


@dataclass(frozen=True, slots=True)
class Plan:
    """One fault a victim; the first one is the client's, too, when it lies on a client's way."""

    seed: int
    faults: tuple[Fault, ...]

    @property
    def points(self) -> set[FaultPoint]:
        """Where somebody is hurt."""
        return {fault.point for fault in self.faults}

    @property
    def drains(self) -> bool:
        """Whether the victims are told to stop. Not where they have to die first, so that there is somebody to bury."""
        return not self.points & SELDOM and any(point.startswith(_BY_SIGNAL) for point in self.points)

    @property
    def cancels(self) -> bool:
        """Whether a run in the middle of a long step is cancelled."""
        return self.drains or any(point.startswith("cancel.") for point in self.points)

    @property
    def beats(self) -> bool:
        """Whether an activity lasts until its heartbeat."""
        return bool(self.points & _BEATS)

    @property
    def stops(self) -> bool:
        """Whether somebody freezes."""
        return any(fault.action == "stop" for fault in self.faults)

    @property
    def wants_to_be_alone(self) -> bool:
        """Whether other rounds beside it could keep it from doing what it is about."""
        return any(point.startswith(_SHARED) for point in self.points)

    def __str__(self) -> str:
        return f"seed {self.seed}: {' '.join(map(str, self.faults))}"


def is_clients(point: FaultPoint) -> bool:
    """Whether the program of a user comes to it."""
    return point.startswith(_BY_CLIENT) and point not in _NOT_BY_CLIENT


def plan_for(point: FaultPoint, seed: int, action: Action | None = None) -> Plan:
    """Two victims hurt at one point, early or late."""
    chance = random.Random(f"{point}/{seed}")  # noqa: S311 - repeatable
    chosen: Action = action or ("raise" if point in MAY_RAISE and chance.random() < 0.25 else "kill")
    times = (1, 1, 2, 3, 5, 8) if point.startswith(_OFTEN) else (1, 2, 2) if point.startswith(_SOMETIMES) else (1,)
    return Plan(seed, tuple(Fault(point, chosen, chance.choice(times)) for _ in range(2)))


def random_plan(seed: int) -> Plan:
    """Two victims hurt anywhere, in any way."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    faults = []
    for _ in range(2):
        point = chance.choice(list(FaultPoint))
        actions: list[Action] = ["kill", "kill", "stop"] + (["raise"] if point in MAY_RAISE else [])  # type: ignore[list-item]
        times = range(1, 13) if point.startswith(_OFTEN) else (1, 1, 1, 2, 3)
        faults.append(Fault(point, chance.choice(actions), chance.choice(times)))
    return Plan(seed, tuple(faults))
