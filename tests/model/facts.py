"""What has become of the runs of one tenant, read from the tables once, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
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


@dataclass(frozen=True)
class Forked:
    """A branch or an activity. ``limit``: which of its limits an activity broke, if it ended by one."""

    state: str
    created_at: datetime
    finished_at: datetime | None
    limit: str


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
    inputs: dict[str, Any]
    fork_of: UUID | None
    continued_to: UUID | None
    done: dict[tuple[str, str], Done] = field(default_factory=dict)
    undo: list[tuple[str, str]] = field(default_factory=list)  # scope and step of what was registered, in order
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: list[dict[str, Any]] = field(default_factory=list)
    failed_attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    forked: dict[str, Forked] = field(default_factory=dict)

    def is_copied(self, place: tuple[str, str]) -> bool:
        """Whether the step was done by the run that this one is a fork of."""
        return self.fork_of is not None and place in self.done and self.done[place].finished_at <= self.created_at

    @property
    def was_killed(self) -> bool:
        """Whether it ended without anybody's cooperation."""
        return (self.error or {}).get("kind") == "killed"


def read_facts(connection: Connection, tenant: UUID) -> dict[UUID, Facts]:
    """Every run of the tenant, by id."""
    rows = _rows(connection, "SELECT * FROM highway.workflow_run WHERE tenant_id = %s ORDER BY workflow_run_id", tenant)
    runs = {row["workflow_run_id"]: Facts(run_id=row["workflow_run_id"], **_named(Facts, row)) for row in rows}
    for row in _rows(connection, "SELECT * FROM highway.checkpoint WHERE tenant_id = %s ORDER BY seq", tenant):
        done = Done(key=row["step_key"], **_named(Done, row))
        runs[row["workflow_run_id"]].done[done.scope, done.key] = done
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
    for row in _rows(connection, "SELECT * FROM highway.task WHERE tenant_id = %s AND key <> ''", tenant):
        error = row["error"] or {}
        limit = error["type"] if error.get("kind") == "timeout" else ""
        runs[row["workflow_run_id"]].forked[row["key"]] = Forked(limit=limit, **_named(Forked, row))
    return runs


def _named(kind: type, row: dict[str, Any]) -> dict[str, Any]:
    """What of a row a class has fields for by the same names."""
    return {each.name: row[each.name] for each in fields(kind) if each.name in row}


def _rows(connection: Connection, query: str, tenant: UUID) -> list[dict[str, Any]]:
    return cursor(connection).execute(query, [tenant]).fetchall()  # type: ignore[arg-type]
