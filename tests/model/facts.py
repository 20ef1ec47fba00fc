"""What has become of the runs of one tenant, read from the tables once, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, cursor


@dataclass(frozen=True)
class Done:
    """A checkpoint."""

    scope: str
    key: str
    seq: int
    operator: str
    outcome: str
    attempt: int
    started_at: datetime
    finished_at: datetime
    result: Any
    error: dict[str, Any] | None


@dataclass
class Facts:
    """One run at its end."""

    run_id: UUID
    name: str
    status: str
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    parent_run_id: UUID | None
    parent_key: str | None
    done: dict[tuple[str, str], Done] = field(default_factory=dict)
    undo: list[tuple[str, str]] = field(default_factory=list)  # scope and step of what was registered, in order
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: list[dict[str, Any]] = field(default_factory=list)
    failed_attempts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def was_killed(self) -> bool:
        """Whether it ended without anybody's cooperation."""
        return (self.error or {}).get("kind") == "killed"


def read_facts(connection: Connection, tenant: UUID) -> dict[UUID, Facts]:
    """Every run of the tenant, by id."""
    runs = {
        row["workflow_run_id"]: Facts(
            row["workflow_run_id"],
            row["name"],
            row["status"],
            row["error"],
            row["created_at"],
            row["finished_at"],
            row["parent_run_id"],
            row["parent_key"],
        )
        for row in _rows(
            connection, "SELECT * FROM highway.workflow_run WHERE tenant_id = %s ORDER BY workflow_run_id", tenant
        )
    }
    for row in _rows(connection, "SELECT * FROM highway.checkpoint WHERE tenant_id = %s ORDER BY seq", tenant):
        runs[row["workflow_run_id"]].done[row["scope"], row["step_key"]] = Done(
            row["scope"],
            row["step_key"],
            row["seq"],
            row["operator"],
            row["outcome"],
            row["attempt"],
            row["started_at"],
            row["finished_at"],
            row["result"],
            row["error"],
        )
    for row in _rows(connection, "SELECT * FROM highway.compensation WHERE tenant_id = %s ORDER BY seq", tenant):
        runs[row["workflow_run_id"]].undo.append((row["scope"], row["step_key"]))
    for row in _rows(connection, "SELECT * FROM highway.event WHERE tenant_id = %s", tenant):
        runs[row["workflow_run_id"]].events[row["name"]] = row
    for row in _rows(connection, "SELECT * FROM highway.signal WHERE tenant_id = %s ORDER BY seq", tenant):
        runs[row["workflow_run_id"]].signals.append(row)
    failed = "SELECT * FROM highway.journal WHERE tenant_id = %s AND kind = 'attempt_failed'"
    for row in _rows(connection, failed, tenant):
        attempts = runs[row["workflow_run_id"]].failed_attempts
        attempts[row["scope"], row["step_key"]] = attempts.get((row["scope"], row["step_key"]), 0) + 1
    return runs


def _rows(connection: Connection, query: str, tenant: UUID) -> list[dict[str, Any]]:
    return cursor(connection).execute(query, [tenant]).fetchall()  # type: ignore[arg-type]
