"""What becomes of a tick that meets the run of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.db.connection import Connection
from engine.db.queries import load
from engine.model.schedules import Overlap
from engine.schedules.rows import Held

_sql = load("schedule")
MAX_WAITING = 1000  # ticks of one schedule that may wait for its runs to end
Word = Literal["fire", "wait", "skip", "replace"]
_OPEN = "the run before it is open"


@dataclass
class Load:
    """How many runs of a schedule are open, and how many of its ticks wait for them to end."""

    running: int
    waiting: int


def read_load(connection: Connection, held: Held) -> Load:
    """The load as it is now. While the schedule is held nobody but its own runs, by ending, changes it."""
    row = _sql.busy.one(connection, **held.key)
    return Load(int(row["open_runs"]), int(row["waiting"])) if row else Load(0, 0)


def admit(policy: Overlap, load_now: Load) -> tuple[Word, str]:
    """What the policy makes of one more tick, and why. ``replace``: stop what is open, then fire."""
    if policy in ("buffer_one", "buffer_all"):
        if not load_now.running and not load_now.waiting:
            return "fire", ""
        most = 1 if policy == "buffer_one" else MAX_WAITING
        return ("wait", _OPEN) if load_now.waiting < most else ("skip", f"{_OPEN}, and as many ticks wait as may")
    if policy == "allow" or not load_now.running:
        return "fire", ""
    return ("skip", _OPEN) if policy == "skip" else ("replace", "")


def cancel_open(connection: Connection, held: Held) -> None:
    """Ask the open runs of a held schedule to stop: those that nobody executes end at once, the others at their next step."""
    _sql.cancel_open.one(connection, **held.key, reason=f"replaced by the next run of {held.spec.name}")
