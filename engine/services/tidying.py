"""Ticks of schedules that no policy keeps, limits that nobody uses any more, and embeddings whose time is over."""

from __future__ import annotations

from uuid import UUID, uuid4

from engine.db.connection import Connection
from engine.db.queries import load

_sql = load("retention")
_passages = load("passage")
EVERY_SECONDS = 600.0
MOST_TICKS = 10_000  # of one schedule
IDLE_SECONDS = 24 * 3600.0  # as long a limit is kept that nobody uses
_SCHEDULES = 500  # looked at in one query
_TICKS = 1_000  # of one transaction
_LIMITS = 500
_EMBEDDINGS = 1_000
_ROUNDS = 200  # transactions of one turn


def tidy(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """One worker's turn for all. Returns how many rows are gone."""
    if _sql.take_turn.one(connection, measure="rows_tidied", every_seconds=EVERY_SECONDS) is None:
        return 0
    gone = forget_ticks(connection) + forget_limits(connection) + forget_embeddings(connection)
    if gone:
        _sql.count_up.run(connection, measure="rows_tidied", by=gone)
    return gone


def forget_ticks(connection: Connection, *, most: int = MOST_TICKS, rounds: int = _ROUNDS) -> int:
    """Forget old ticks, schedule by schedule, each batch in a transaction of its own. What does not fit into this turn is for the next."""
    gone, tenant, schedule = 0, UUID(int=0), UUID(int=0)
    while rows := _sql.schedules_after.many(
        connection, after_tenant=tenant, after_schedule=schedule, quantity=_SCHEDULES
    ):
        for row in rows:
            tenant, schedule = row["tenant_id"], row["schedule_id"]
            while batch := _forget_batch(connection, tenant, schedule, most):
                gone, rounds = gone + batch, rounds - 1
                if not rounds:
                    return gone
    return gone


def forget_limits(connection: Connection, *, idle_seconds: float = IDLE_SECONDS, start: UUID | None = None) -> int:
    """Forget unused limits, from some tenant on to the end and from the beginning to there: where there are too many for one turn, each gets its turn."""
    gone, begin = 0, start or uuid4()
    for first, last in ((begin, None), (UUID(int=0), begin)):
        place = {"after_tenant": first, "after_kind": "", "after_key": ""}
        for _ in range(_ROUNDS):
            row = _sql.forget_limits.one(connection, **place, idle_seconds=idle_seconds, quantity=_LIMITS)
            if row is None:
                break
            gone += int(row["gone"])
            place = {"after_tenant": row["tenant_id"], "after_kind": row["kind"], "after_key": row["key"]}
            if last is not None and row["tenant_id"] > last:
                break
    return gone


def forget_embeddings(connection: Connection) -> int:
    """Forget embeddings that are too old, each batch in a transaction of its own."""
    gone = 0
    for _ in range(_ROUNDS):
        row = _passages.forget_embeddings.one(connection, quantity=_EMBEDDINGS)
        if row is None or not row["gone"]:
            break
        gone += int(row["gone"])
    return gone


def _forget_batch(connection: Connection, tenant: UUID, schedule: UUID, most: int) -> int:
    row = _sql.forget_ticks.one(connection, tenant_id=tenant, schedule_id=schedule, most=most, quantity=_TICKS)
    return int(row["ticks"]) if row else 0
