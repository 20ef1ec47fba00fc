"""Runs of schedules: what came, what will come, and what somebody asks for by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, StateError
from engine.db.queries import load
from engine.facade.schedules import get_schedule
from engine.facade.tenancy import tenant_transaction
from engine.language.timing import describe
from engine.model.schedules import Backfill, ScheduleSpec, TickView
from engine.schedules.chain import Chain, preview
from engine.schedules.checking import check_spec
from engine.schedules.firing import Firing
from engine.schedules.holding import hold
from engine.schedules.overlap import MAX_WAITING, admit, cancel_open, read_load
from engine.schedules.rows import Held

_sql = load("schedule")
_INSTANT = timedelta(microseconds=1)
_NOBODY = UUID(int=0)
MAX_BACKFILL = MAX_WAITING
MAX_PREVIEW = 100


def run_schedule_now(connection: Connection, *, tenant_id: UUID, schedule_id: UUID, by: str) -> TickView:
    """Fire once, now, whether the schedule is paused or not, within its overlap policy. The chain of its ticks is not touched.

    The answer has no run when it waits for an open one. Raises `NotFoundError`, `StateError` when the policy, a draining queue or a trouble is in
    the way, and `BacklogFullError`.
    """
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        word, reason = admit(held.spec.overlap, read_load(connection, held))
        if word == "skip":
            raise StateError(f"{reason}; the overlap policy is {held.spec.overlap}")
        if word == "wait":
            _sql.await_turn.many(connection, **held.key, ticks=[held.now], kind="manual", by=by)
        else:
            firing = Firing(connection, held)
            firing.check_admission()
            if word == "replace":
                cancel_open(connection, held)
            firing.fire(held.now, kind="manual", by=by)
        tick = list_ticks(connection, tenant_id=tenant_id, schedule_id=schedule_id, before=held.now + _INSTANT)[0]
        if tick.outcome == "failed":
            raise StateError(tick.reason)
        return tick


def backfill_schedule(
    connection: Connection,
    *,
    tenant_id: UUID,
    schedule_id: UUID,
    begin: datetime,
    end: datetime,
    by: str,
    dry_run: bool = True,
) -> Backfill:
    """Fire the ticks from ``begin`` to ``end`` (both included, no later than now) that have not fired. A dry run only counts them.

    They fire at once where runs may overlap, else one after another. At most `MAX_BACKFILL` at a time; more raise `InvalidError`, and so
    does a time whose ticks are forgotten: nobody knows any more which of them have fired. Where a cap of the tenant is reached on the way,
    none is fired (`BacklogFullError`).
    """
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        ticks = _ticks_between(held, begin, end)
        fired = {row["tick_at"] for row in _sql.fired_among.many(connection, **held.key, ticks=ticks)}
        wanted = [tick for tick in ticks if tick not in fired]
        firing = Firing(connection, held)
        if not dry_run and held.spec.overlap == "allow":
            for tick in wanted:
                firing.check_admission()
                firing.fire(tick, kind="backfill", by=by)
        elif not dry_run:
            _sql.await_turn.many(connection, **held.key, ticks=wanted, kind="backfill", by=by)
    return Backfill(
        dry_run=dry_run,
        count=len(wanted),
        already_fired=len(fired),
        first_at=wanted[0] if wanted else None,
        last_at=wanted[-1] if wanted else None,
        run_ids=firing.run_ids,
    )


def preview_schedule(connection: Connection, *, tenant_id: UUID, schedule_id: UUID, count: int = 5) -> list[datetime]:
    """The next times of a schedule, also of a paused one: from now on, whatever is still to be caught up."""
    with tenant_transaction(connection, tenant_id):
        found = get_schedule(connection, tenant_id=tenant_id, schedule_id=schedule_id)
        row = _sql.now.one(connection)
    if found.state == "ended" or row is None:
        return []
    return preview(Chain(schedule_id, found.spec, found.anchor_at), row["now"], min(count, MAX_PREVIEW))


def preview_spec(connection: Connection, *, spec: ScheduleSpec, count: int = 5) -> list[datetime]:
    """The next times of a schedule that is not stored. Raises `ScheduleRefusedError`."""
    check_spec(spec)
    row = _sql.now.one(connection)
    return preview(Chain(_NOBODY, spec, row["now"]), row["now"], min(count, MAX_PREVIEW)) if row else []


def describe_timing(text: str) -> str:
    """A cron expression or interval in words; the text itself when it cannot be read."""
    try:
        return describe(text)
    except ValueError:
        return text


def list_ticks(
    connection: Connection, *, tenant_id: UUID, schedule_id: UUID, before: datetime | None = None, quantity: int = 50
) -> list[TickView]:
    """What became of a schedule's ticks, newest first, strictly older than ``before``. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        get_schedule(connection, tenant_id=tenant_id, schedule_id=schedule_id)
        rows = _sql.history.many(
            connection, tenant_id=tenant_id, schedule_id=schedule_id, before=before, quantity=quantity
        )
    return [TickView(**row) for row in rows]


def count_ticks(connection: Connection, *, tenant_id: UUID, schedule_id: UUID, cap: int = 10_000) -> int:
    """How many ticks have been decided, counted up to ``cap``."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.count_ticks.one(connection, tenant_id=tenant_id, schedule_id=schedule_id, cap=cap)
    return int(row["ticks"]) if row else 0


def _ticks_between(held: Held, begin: datetime, end: datetime) -> list[datetime]:
    if end < begin:
        raise InvalidError("a backfill ends before it begins")
    if end > held.now:
        raise InvalidError("a backfill ends at the latest now: what is to come will come by itself")
    if held.forgotten_to is not None and begin <= held.forgotten_to:
        raise InvalidError(f"what became of its ticks up to {held.forgotten_to.isoformat()} is not kept: begin later")
    ticks = takewhile(lambda tick: tick <= end, held.chain().ticks(begin - _INSTANT))
    found = list(islice(ticks, MAX_BACKFILL + 1))
    if len(found) > MAX_BACKFILL:
        raise InvalidError(f"there are more than {MAX_BACKFILL} ticks in this time; choose a shorter one")
    return found
