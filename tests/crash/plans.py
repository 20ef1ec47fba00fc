"""What is done to whom in a round. The same seed gives the same plan; what the machine makes of it may differ.

Most plans are packs: their faults are done one after the other to whoever works in the round, so that it costs little more than a round of one fault.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from engine.kit.fault_points import FaultPoint
from tests.crash.faults import Action, Fault

_BY_CLIENT = (
    "submit.",
    "emit.before_reply",
    "emit.after",
    "cancel.before",
    "cancel.after",
    "signal.",
    "update.",
    "approval.",
)
_NOT_BY_CLIENT = (
    FaultPoint.EMIT_AFTER_COMMIT,
    FaultPoint.UPDATE_ANSWERED,
    FaultPoint.APPROVAL_EXPIRE,
    FaultPoint.APPROVAL_HEARD,
)
_BY_SIGNAL = ("drain.", "shutdown.")
# Reached by whoever buries somebody: arm the healthy ones.
SELDOM = frozenset({FaultPoint.REAPER_UPDATE, FaultPoint.REAPER_AFTER})
# Duties that any worker of the database may take: with other rounds beside it the victims might never come to them.
_SHARED = ("reaper.", "cron.", "approval.expire")
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
            "approval.expire",
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
# Whoever is told to stop, or does what one does for all, leaves the other faults of a round no time.
_SPECIAL = (*_BY_SIGNAL, *_SHARED)
_SOMETIMES = ("undo.call", "cron.insert_run", "message.heard", "signal.", "approval.")  # two to four times


PACK = 8  # so that no task is rescued so often that it has to rest


@dataclass(frozen=True, slots=True)
class Plan:
    """Faults of a round. Whoever works in it is armed with all that are not done yet; a client with those that lie on a client's way."""

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
    def is_special(self) -> bool:
        """Whether it is about one thing only: its two victims are hurt, and nobody after them."""
        return any(point.startswith(_SPECIAL) for point in self.points)

    @property
    def wants_to_be_alone(self) -> bool:
        """Whether other rounds beside it could keep it from doing what it is about."""
        return any(point.startswith(_SHARED) for point in self.points)

    def __str__(self) -> str:
        return f"seed {self.seed}: {' '.join(map(str, self.faults))}"


def is_clients(point: FaultPoint) -> bool:
    """Whether the program of a user comes to it."""
    return point.startswith(_BY_CLIENT) and point not in _NOT_BY_CLIENT


def plan_for(point: FaultPoint, seed: int) -> Plan:
    """Two workers hurt at one point, early or late."""
    chance = random.Random(f"{point}/{seed}")  # noqa: S311 - repeatable
    return Plan(seed, tuple(_fault_at(point, chance) for _ in range(2)))


def plans_for(points: Sequence[FaultPoint], seed: int) -> list[Plan]:
    """Each point once: in packs where they get on with each other, otherwise in a plan of its own."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    return _packed([_fault_at(point, chance) for point in points], seed, chance)


def random_plans(quantity: int, seed: int) -> list[Plan]:
    """``quantity`` faults anywhere, in any way."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    return _packed([_any_fault(chance) for _ in range(quantity)], seed, chance)


def _fault_at(point: FaultPoint, chance: random.Random) -> Fault:
    action: Action = "raise" if point in MAY_RAISE and chance.random() < 0.25 else "kill"
    times = (1, 1, 2, 3, 5, 8) if point.startswith(_OFTEN) else (1, 2, 2) if point.startswith(_SOMETIMES) else (1,)
    return Fault(point, action, chance.choice(times))


def _any_fault(chance: random.Random) -> Fault:
    point = chance.choice([point for point in FaultPoint if point is not FaultPoint.MIGRATION_STEP])
    actions: list[Action] = ["kill", "kill", "stop"]
    actions += ["raise"] if point in MAY_RAISE else []
    times = range(1, 13) if point.startswith(_OFTEN) else (1, 1, 1, 2, 3)
    return Fault(point, chance.choice(actions), chance.choice(times))


def _packed(faults: list[Fault], seed: int, chance: random.Random) -> list[Plan]:
    """What needs a round of its own kind gets one; the others are packed as they come by chance."""
    special = [fault for fault in faults if fault.point.startswith(_SPECIAL)]
    others = [fault for fault in faults if not fault.point.startswith(_SPECIAL)]
    chance.shuffle(others)
    packs = [tuple(others[at : at + PACK]) for at in range(0, len(others), PACK)]
    return [Plan(seed, (fault, fault)) for fault in special] + [Plan(seed, pack) for pack in packs]
