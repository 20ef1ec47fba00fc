"""Queues have two sides: one for runs and their branches, one for activities, so that workers can be had for either alone.

A task of the queue ``gpu`` lies in ``gpu``, an activity in ``gpu:activities``. Users never write the second form when they start something:
the colon cannot stand in the name of a queue. Workers are told ``gpu`` (both sides), ``gpu:workflows`` or ``gpu:activities``.
"""

from __future__ import annotations

from collections.abc import Iterable

ACTIVITIES = "activities"
WORKFLOWS = "workflows"


def activity_queue(queue: str) -> str:
    """Where the activities of a queue lie."""
    return f"{queue}:{ACTIVITIES}"


def is_activity_queue(queue: str) -> bool:
    """Whether activities lie in it."""
    return queue.endswith(f":{ACTIVITIES}")


def served(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The queues that a worker claims from: (of runs, of activities). Raises ValueError for a side that there is not."""
    runs: dict[str, None] = {}
    activities: dict[str, None] = {}
    for name in names:
        queue, colon, side = name.partition(":")
        if not queue or (colon and side not in {ACTIVITIES, WORKFLOWS}):
            raise ValueError(f"{name!r} is no queue: write NAME, NAME:{WORKFLOWS} or NAME:{ACTIVITIES}")
        if side != ACTIVITIES:
            runs[queue] = None
        if side != WORKFLOWS:
            activities[activity_queue(queue)] = None
    return tuple(runs), tuple(activities)
