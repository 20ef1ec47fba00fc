"""How much a worker may still take: runs and branches apart from activities, and both together within its capacity."""

from __future__ import annotations

from dataclasses import dataclass

# Tasks held per free slot: most steps are shorter than a commit, hoarding would starve other workers.
CLAIMS_PER_SLOT = 4


@dataclass(frozen=True, slots=True)
class Room:
    """Up to so many runs and branches, and so many activities."""

    runs: int
    activities: int


def share(
    total: int,
    free_slots: int,
    activity_slots: int,
    *,
    ahead: int = 0,
    per_slot: int = CLAIMS_PER_SLOT,
    activities_first: bool,
) -> list[Room]:
    """What to ask for. One wish for both kinds; where there is no room for both, one after the other until something is got.

    ``activity_slots`` are those that no activity holds; 0 where none are served. ``ahead``: so many more runs than are held would be over in
    a moment at the pace of the last one.
    """
    free, total = max(free_slots, 0), max(total, 0)
    runs = min(total, max(free * per_slot, ahead))
    activities = max(min(total, free, activity_slots), 0)
    if runs + activities <= total or activities < total:
        return [Room(min(runs, total - activities), activities)]
    kinds = [Room(runs, 0), Room(0, activities)]
    return kinds[::-1] if activities_first else kinds
