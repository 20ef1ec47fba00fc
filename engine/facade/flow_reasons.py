"""Why flow control keeps a run from going on: pauses, caps, slots and starts, in words and as data."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.queries import load
from engine.model.json import Json, JsonObject
from engine.model.views import Reason

_sql = load("flow")


def flow_reasons(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[Reason]:
    """The causes of all open tasks of the run, inside the caller's transaction for the tenant; empty when flow control has no part in it."""
    which = {"tenant_id": tenant_id, "workflow_run_id": workflow_run_id}
    rows = _sql.why.many(connection, **which)
    found = [_paused(row) or _full(row) or _rate(row) for row in rows]
    reasons = [reason for reason in found if reason is not None]
    return reasons + [_in_line(row) for row in _sql.line.many(connection, **which)]


def step_rate_reason(row: Row) -> Reason:
    """A step whose place in time under a rate has not come; ``row`` is its wait."""
    key = str(row["request"].get("key", ""))
    text = f"more starts of {key!r} than its rate allows; the next is its own"
    return Reason("rate", text, row["scope"], row["step_key"], row["due_at"], {"limit": key})


def _paused(row: Row) -> Reason | None:
    if row["state"] != "pending":
        return None
    if row["tenant_paused_at"]:
        data: JsonObject = {"by": row["tenant_paused_by"], "reason": row["tenant_pause_reason"]}
        return Reason("tenant_paused", f"the tenant was paused{_by(data)}", row["scope"], data=data)
    if row["queue_paused_at"]:
        data = {"queue": row["queue"], "by": row["queue_paused_by"], "reason": row["queue_pause_reason"]}
        return Reason("queue_paused", f"the queue {row['queue']!r} was paused{_by(data)}", row["scope"], data=data)
    return None


def _by(data: JsonObject) -> str:
    who = f" by {data['by']}" if data["by"] else ""
    return who + (f": {data['reason']}" if data["reason"] else "")


def _full(row: Row) -> Reason | None:
    if row["state"] != "pending":
        return None
    if row["tenant_max_running"] is not None and row["tenant_running"] >= row["tenant_max_running"]:
        text = f"{row['tenant_running']} tasks of the tenant are running, and {row['tenant_max_running']} is the cap"
        return Reason("tenant_full", text, row["scope"], data={"limit": row["tenant_max_running"]})
    if row["queue_max_running"] is not None and row["queue_running"] >= row["queue_max_running"]:
        text = f"{row['queue_running']} tasks of the queue {row['queue']!r} are running, and {row['queue_max_running']} is the cap"
        return Reason("queue_full", text, row["scope"], data={"queue": row["queue"], "limit": row["queue_max_running"]})
    return None


def _rate(row: Row) -> Reason | None:
    if row["state"] != "sleeping" or row["gate_kind"] != "rate" or not row["in_line"]:
        return None
    text = f"{row['gate_key']!r} allows {row['gate_limit']} starts in {float(row['gate_seconds']):g} s; the next one is its own"
    return Reason("rate", text, row["scope"], until=row["available_at"], data={"limit": row["gate_key"]})


def _in_line(row: Row) -> Reason:
    holders: list[Json] = [str(run) for run in row["holders"]]
    text = f"number {row['position']} in line for one of the {row['capacity']} slots of {row['key']!r}"
    if holders:
        text += f", held by {', '.join(str(holder) for holder in holders[:3])}"
        text += f" and {len(holders) - 3} more" if len(holders) > 3 else ""
    data: JsonObject = {
        "limit": row["key"],
        "capacity": row["capacity"],
        "position": row["position"],
        "holders": holders,
    }
    return Reason("limit", text, row["scope"], row["step_key"], data=data)
