"""Ticks of schedules that no policy keeps, limits that nobody uses any more, and embeddings, keys and heartbeats whose time is over."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.services.kit.sweeping import NOBODY, all_from

_sql = load("retention")
_activities = load("activity")
_passages = load("passage")
_services = load("service")
MOST_TICKS = 10_000  # of one schedule
IDLE_SECONDS = 24 * 3600.0  # as long a limit is kept that nobody uses
KEEP_HEARTBEATS_SECONDS = 7 * 24 * 3600.0
_SCHEDULES = 500  # looked at in one query
_LIMITS = 500
_MANY = 1_000  # rows of one transaction


def tidied(connection: Connection) -> Iterator[int]:
    """All of this file but keys and heartbeats, one kind after another."""
    yield from old_ticks(connection)
    yield from unused_limits(connection)
    yield from old_embeddings(connection)


def old_ticks(connection: Connection, *, most: int = MOST_TICKS, start: UUID | None = None) -> Iterator[int]:
    """Forget old ticks, schedule by schedule, each batch in a transaction of its own."""
    for tenant, schedule in _schedules(connection, start):
        gone = _MANY
        while gone == _MANY:
            row = _sql.forget_ticks.one(connection, tenant_id=tenant, schedule_id=schedule, most=most, quantity=_MANY)
            gone = int(row["ticks"]) if row else 0
            yield gone


def unused_limits(
    connection: Connection, *, idle_seconds: float = IDLE_SECONDS, start: UUID | None = None
) -> Iterator[int]:
    """Forget limits that nobody uses."""
    for after, last in all_from(start):
        place = {"after_tenant": after, "after_kind": "", "after_key": ""}
        while row := _sql.forget_limits.one(connection, **place, idle_seconds=idle_seconds, quantity=_LIMITS):
            yield int(row["gone"])
            place = {"after_tenant": row["tenant_id"], "after_kind": row["kind"], "after_key": row["key"]}
            if last is not None and row["tenant_id"] > last:
                break


def old_embeddings(connection: Connection) -> Iterator[int]:
    """Forget embeddings that are too old."""
    while (row := _passages.forget_embeddings.one(connection, quantity=_MANY)) and row["gone"]:
        yield int(row["gone"])


def expired_keys(connection: Connection) -> Iterator[int]:
    """Delete idempotency keys whose time is over."""
    while (row := _services.forget_idempotency.one(connection, quantity=_MANY)) and row["gone"]:
        yield int(row["gone"])


def old_heartbeats(connection: Connection) -> Iterator[int]:
    """Delete heartbeats of activities that are a week old."""
    keep = KEEP_HEARTBEATS_SECONDS
    while (row := _activities.forget_old_heartbeats.one(connection, keep_seconds=keep, quantity=_MANY)) and row["gone"]:
        yield int(row["gone"])


def _schedules(connection: Connection, start: UUID | None) -> Iterator[tuple[UUID, UUID]]:
    for after, last in all_from(start):
        place = {"after_tenant": after, "after_schedule": NOBODY}
        while rows := _sql.schedules_after.many(connection, **place, quantity=_SCHEDULES):
            for row in rows:
                tenant, schedule = row["tenant_id"], row["schedule_id"]
                place = {"after_tenant": tenant, "after_schedule": schedule}
                if last is None or tenant <= last:
                    yield tenant, schedule
            if last is not None and place["after_tenant"] > last:
                break
