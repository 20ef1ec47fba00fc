"""Limits by key: reading them with their holders, and changing their figures by hand."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import InvalidError, NotFoundError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.model.flow import MAX_STARTS, Holder, LimitView

_sql = load("flow")
SHOWN = 20  # holders and waiters of each limit


def list_limits(
    connection: Connection, *, tenant_id: UUID, after: tuple[str, str] = ("", ""), quantity: int = 50
) -> list[LimitView]:
    """Limits by kind and key, behind the pair ``after``, each with its first 20 holders and waiters."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.limits.many(
            connection,
            tenant_id=tenant_id,
            kind=None,
            key=None,
            after_kind=after[0],
            after_key=after[1],
            quantity=quantity,
        )
        return _with_slots(connection, tenant_id, rows)


def get_limit(connection: Connection, *, tenant_id: UUID, kind: str, key: str) -> LimitView:
    """One limit. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.limits.many(
            connection, tenant_id=tenant_id, kind=kind, key=key, after_kind="", after_key="", quantity=1
        )
        if not rows:
            raise NotFoundError(f"no limit {kind} {key!r}")
        return _with_slots(connection, tenant_id, rows)[0]


def change_limit(
    connection: Connection,
    *,
    tenant_id: UUID,
    kind: str,
    key: str,
    capacity: int | None = None,
    per_seconds: float | None = None,
    pinned: bool = True,
    by: str = "",
) -> LimitView:
    """Set a limit's figures. They stay as they are until ``pinned`` is taken away: then the next use of the key brings its own.

    Fewer slots than are held take nothing away: they run out. More are given to the line at once. Raises `NotFoundError`, `InvalidError`.
    """
    if capacity is not None and kind == "rate" and not 1 <= capacity <= MAX_STARTS:
        raise InvalidError(f"a rate has 1 to {MAX_STARTS} starts in its time")
    with tenant_transaction(connection, tenant_id):
        changed = _sql.change_limit.one(
            connection,
            tenant_id=tenant_id,
            kind=kind,
            key=key,
            capacity=capacity,
            per_seconds=per_seconds,
            pinned=pinned,
            by=by,
        )
        if changed is None:
            raise NotFoundError(f"no limit {kind} {key!r}")
        return get_limit(connection, tenant_id=tenant_id, kind=kind, key=key)


def _with_slots(connection: Connection, tenant_id: UUID, rows: list[Row]) -> list[LimitView]:
    keys = [row["key"] for row in rows if row["kind"] == "concurrency"]
    slots = _sql.slots.many(connection, tenant_id=tenant_id, keys=keys, quantity=SHOWN) if keys else []
    return [
        LimitView(**row, holders=_holders(slots, row, holds=True), line=_holders(slots, row, holds=False))
        for row in rows
    ]


def _holders(slots: list[Row], limit: Row, *, holds: bool) -> list[Holder]:
    if limit["kind"] != "concurrency":
        return []
    return [
        Holder(slot["workflow_run_id"], slot["step_key"], slot["since"])
        for slot in slots
        if slot["key"] == limit["key"] and slot["holds"] is holds
    ]
