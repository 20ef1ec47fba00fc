"""What an operator asked of this worker. Heard with the heartbeat, obeyed by the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.db.connection import Row

State = Literal["active", "paused", "draining"]


@dataclass(frozen=True, slots=True)
class Orders:
    """``paused``: takes nothing new, keeps what it has. ``draining``: the same, and leaves when it is empty.

    ``capacity`` bounds the tasks that it holds, ``batch`` those that it takes at a time; None: as it was started. Orders belong to the
    process: they survive a lost connection, not a restart.
    """

    state: State = "active"
    reason: str = ""
    capacity: int | None = None
    batch: int | None = None


def read_orders(row: Row) -> Orders:
    """The orders in a worker's row."""
    state: State = next(known for known in get_args(State) if known == row["requested_state"])
    return Orders(state, row["requested_reason"], row["capacity_override"], row["batch_override"])
