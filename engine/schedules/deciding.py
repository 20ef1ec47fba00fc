"""What becomes of the due ticks of one schedule: decided, fired and followed by the next one in one transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from engine.db.connection import Connection
from engine.db.errors import StateError
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.language.timing import TimingError, ZoneError
from engine.schedules.chain import Due
from engine.schedules.firing import Firing
from engine.schedules.overlap import admit, cancel_open, read_load
from engine.schedules.rows import Held

_logger = logging.getLogger(__name__)
_sql = load("schedule")
TROUBLE_SECONDS = 300.0  # a timing that cannot be read (a zone that is gone, say) is looked at again so soon


@dataclass
class _Decided:
    """Ticks that do not fire now, to be written together."""

    ticks: list[datetime] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, tick: datetime, outcome: str, reason: str) -> None:
        self.ticks.append(tick)
        self.outcomes.append(outcome)
        self.reasons.append(reason)


def decide(connection: Connection, held: Held) -> int:
    """Decide what is due of a held, active schedule and say when it goes on. Returns how many runs were started. The caller commits.

    1. The row is held: nobody pauses, changes or decides it meanwhile.
    2. Each due tick becomes a row; those that fire get their run in the same statement.
    3. The next tick is written last and only if the chain stands where it was read; otherwise everything is undone.
    """
    if held.next_at is None:
        raise StateError(f"schedule {held.schedule_id} is active and has no next tick")
    if _has_failed_enough(connection, held):
        return 0
    reach(FaultPoint.CRON_COMPUTE)
    try:
        chain = held.chain()
        due = chain.due(held.next_at, held.now)
    except (TimingError, ZoneError) as error:
        _put_off(connection, held, str(error))
        return 0
    fired = _follow(connection, held, due)
    last_at = due.verdicts[-1].tick_at if due.verdicts else held.last_at
    row = _sql.set_chain.one(
        connection,
        **held.key,
        expected=held.next_at,
        state="active" if due.next_at else "ended",
        last_at=last_at,
        next_at=due.next_at,
        due_at=max(chain.due_at(due.next_at), held.now) if due.next_at else None,  # behind the others that are due
        trouble=None,
    )
    reach(FaultPoint.CRON_INSERT_NEXT)
    if row is None:
        raise StateError(f"the chain of schedule {held.schedule_id} was moved by somebody else")
    return fired


def release(connection: Connection, held: Held) -> int:
    """Fire the tick that waits longest, now that the run before it has ended. Returns how many runs were started."""
    waiting = _sql.first_waiting.one(connection, **held.key)
    if waiting is None or read_load(connection, held).running:
        return 0
    firing = Firing(connection, held)
    if firing.refusal():
        return 0  # it has waited so long, it waits until there is room
    return firing.fire(waiting["tick_at"], kind=waiting["kind"], reason="waited for the run before it")


def _follow(connection: Connection, held: Held, due: Due) -> int:
    """Carry out the verdicts, each within the overlap policy."""
    firing, decided, load_now = Firing(connection, held), _Decided(), read_load(connection, held)
    fired = 0
    for verdict in due.verdicts:
        if verdict.word == "missed":
            decided.add(verdict.tick_at, "missed", verdict.reason)
            continue
        word, reason = admit(held.spec.overlap, load_now)
        if word not in ("wait", "skip") and (refusal := firing.refusal()):
            word, reason = "skip", refusal
        if word == "wait":
            load_now.waiting += 1
            decided.add(verdict.tick_at, "waiting", reason)
        elif word == "skip":
            decided.add(verdict.tick_at, "skipped", reason)
        else:
            if word == "replace":
                cancel_open(connection, held)
            started = firing.fire(verdict.tick_at, reason=verdict.reason)
            load_now.running += started
            fired += started
    if decided.ticks:
        _sql.decide.run(connection, **held.key, ticks=decided.ticks, outcomes=decided.outcomes, reasons=decided.reasons)
    return fired


def _has_failed_enough(connection: Connection, held: Held) -> bool:
    """Pause a schedule whose last runs all failed, as its owner wished."""
    most = held.spec.max_failures
    if most is None:
        return False
    row = _sql.failures_in_a_row.one(connection, **held.key, quantity=most)
    if row is None or row["failures"] < most:
        return False
    reason = "the last run failed" if most == 1 else f"{most} failed runs in a row"
    _logger.warning("schedule %s is paused: %s", held.schedule_id, reason)
    _sql.pause.run(connection, **held.key, paused_by="highway", reason=reason)
    return True


def _put_off(connection: Connection, held: Held, trouble: str) -> None:
    """Its timing cannot be read: the tick fails, and the chain is looked at again until it can."""
    _logger.error("schedule %s cannot tell its next tick: %s", held.schedule_id, trouble)
    _sql.fail_tick.run(connection, **held.key, tick_at=held.next_at, kind="scheduled", reason=trouble)
    _sql.postpone.run(connection, **held.key, seconds=TROUBLE_SECONDS, trouble=trouble)
