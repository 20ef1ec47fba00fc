"""What the row of a wait says: whether it is over, with what, and whether it would say so again."""

from __future__ import annotations

from typing import get_args

from engine.db.connection import Row
from engine.kit.fault_points import FaultPoint, reach
from engine.model.facts import Waiting, WaitOver
from engine.model.task import FinalState, Loaded

_FINAL = frozenset(get_args(FinalState))
_OVER = {
    "timer": FaultPoint.TIMER_FIRE,
    "retry": FaultPoint.TIMER_FIRE,
    "tasks": FaultPoint.JOIN_LAST,
    "event": FaultPoint.EVENT_HEARD,
    "signal": FaultPoint.MESSAGE_HEARD,
    "update": FaultPoint.MESSAGE_HEARD,
    "approval": FaultPoint.APPROVAL_HEARD,
}


def add_wait(loaded: Loaded, row: Row) -> None:
    """Add a row of `load_waits` to what is known of its task."""
    given = {"fencing": row["ticket"]} if row["ticket"] is not None else row["given"]
    over = row["due"] or row["emitted"] or row["joined"] or given is not None
    loaded.waiting.append(Waiting(row["step_key"], row["kind"], row["attempt"], over, row["request"]))
    if over:
        if point := _OVER.get(row["kind"]):
            reach(point)
        arrived = row["emitted"] or row["joined"] or given is not None
        payload = given if given is not None else row["payload"] if row["emitted"] else row["tasks"]
        timed_out = not arrived and row["kind"] in ("event", "tasks", "signal", "update", "slot", "lock")
        gives_back = timed_out and row["kind"] in ("signal", "update")
        loaded.over.append(WaitOver(row["step_key"], timed_out, payload, _is_certain(row), gives_back))


def _is_certain(row: Row) -> bool:
    """Whether any later look would tell the same. A time limit is over only as long as nothing comes, and a fork that goes on may end meanwhile."""
    match row["kind"]:
        case "timer":
            return True
        case "event":
            return bool(row["emitted"])
        case "signal" | "update" | "approval":
            return row["given"] is not None
        case "tasks":
            return bool(row["joined"]) and all(end["status"] in _FINAL for end in row["tasks"].values())
        case _:
            return False
