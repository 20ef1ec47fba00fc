"""Holding a schedule's row, and setting its chain out from now."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError
from engine.db.queries import load
from engine.schedules.rows import Held, held_of

_sql = load("schedule")
_INSTANT = timedelta(microseconds=1)
WHEN_FIELDS = ("timing", "zone", "skipped", "doubled", "jitter_seconds", "starts_at", "ends_at")


def hold(connection: Connection, tenant_id: UUID, schedule_id: UUID) -> Held:
    """Take the row of a schedule until the transaction ends. Raises `NotFoundError` for one that is unknown or deleted."""
    row = _sql.hold.one(connection, tenant_id=tenant_id, schedule_id=schedule_id)
    if row is None:
        raise NotFoundError(f"no schedule {schedule_id}")
    return held_of(row)


def set_out(connection: Connection, held: Held) -> None:
    """Begin the chain of a held schedule anew: its next tick is the first one from now on.

    One that catches up all and whose start lies behind begins at its start. A paused one stays paused.
    """
    chain = held.chain()
    begin = _begin(held)
    next_at = chain.first_after(begin)
    state = "ended" if next_at is None else "active" if held.state != "paused" else "paused"
    due_at = chain.due_at(next_at) if next_at else None
    if state == "ended":
        _sql.retire.run(connection, **held.key, state=state)
    _sql.set_chain.one(
        connection,
        **held.key,
        expected=held.next_at,
        state=state,
        last_at=begin,
        next_at=next_at,
        due_at=due_at,
        trouble=None,
    )


def _begin(held: Held) -> datetime:
    starts_at = held.spec.starts_at
    if starts_at is not None and starts_at < held.now and held.spec.catchup == "all":
        return starts_at - _INSTANT
    return held.now
