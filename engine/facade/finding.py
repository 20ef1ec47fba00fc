"""Finding runs by what a person types, in a bounded time, however many there are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.facade.reads import filter_parameters, list_runs
from engine.facade.tenancy import tenant_transaction
from engine.model.views import RunFilter, RunRow

_sql = load("run")
FIND_WALK = 50_000
NAMES = 100  # workflows whose names a text may match
LAST = UUID(int=2**128 - 1)
_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


def find_runs(
    connection: Connection, *, tenant_id: UUID, chosen: RunFilter, before: UUID | None = None, quantity: int = 50
) -> list[RunRow]:
    """As `list_runs`, for somebody who waits: a text is looked for in the names of all workflows and at the beginning of all ids, and in who
    started a run and what it failed with among the newest `FIND_WALK` runs that the other filters leave.
    """
    page: dict[str, Any] = {"before": before, "quantity": quantity}
    if not chosen.text:
        return list_runs(connection, tenant_id=tenant_id, chosen=chosen, **page)
    without = replace(chosen, text="")
    with tenant_transaction(connection, tenant_id):
        found = list_runs(connection, tenant_id=tenant_id, chosen=chosen, walk=FIND_WALK, **page)
        if names := _names(connection, tenant_id, chosen):
            found += list_runs(connection, tenant_id=tenant_id, chosen=replace(without, names=names), **page)
        if _ID.fullmatch(chosen.text):
            found += _by_id(connection, tenant_id, without, chosen.text, **page)
    newest_first = sorted({row.workflow_run_id: row for row in found}.values(), key=lambda row: row.workflow_run_id)
    return newest_first[: -quantity - 1 : -1]


def _names(connection: Connection, tenant_id: UUID, chosen: RunFilter) -> tuple[str, ...]:
    """The names that the text matches, among those that are asked for; none where patterns are asked for, which no index serves."""
    if any("*" in name for name in chosen.names):
        return ()
    text = filter_parameters(chosen)["text"]
    rows = _sql.names_like.many(connection, tenant_id=tenant_id, text=text, quantity=NAMES)
    return tuple(row["name"] for row in rows if not chosen.names or row["name"] in chosen.names)


def _by_id(
    connection: Connection, tenant_id: UUID, chosen: RunFilter, beginning: str, *, before: UUID | None, quantity: int
) -> list[RunRow]:
    low, high = (UUID(beginning.replace("-", "").ljust(32, digit)) for digit in "0f")
    behind = UUID(int=min(high.int + 1, LAST.int))
    rows = list_runs(
        connection, tenant_id=tenant_id, chosen=chosen, before=min(before or behind, behind), quantity=quantity
    )
    return [row for row in rows if low <= row.workflow_run_id]
