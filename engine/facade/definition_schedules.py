"""The schedule that a definition asks for: kept in step with the newest version of its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, StateError
from engine.db.queries import load
from engine.facade.schedules import create_schedule
from engine.facade.tenancy import attempt
from engine.model.json import JsonObject
from engine.model.schedules import ScheduleSpec
from engine.schedules.holding import set_out
from engine.schedules.rows import held_of, parameters_of

_sql = load("schedule")
AUTHOR = "definition"


def follow_definition(connection: Connection, *, tenant_id: UUID, definition: JsonObject, version: int) -> None:
    """Make, change or end the schedule named after a workflow, as its new version says. Within the transaction that stores the version.

    A schedule that people made under the same name is theirs and stays as it is. What people paused stays paused; ``is_paused`` of the
    definition pauses, and a version without it resumes what a version paused. A version without a ``schedule`` ends it.
    """
    name, timing = str(definition["name"]), definition.get("schedule")
    row = _sql.hold_by_name.one(connection, tenant_id=tenant_id, name=name)
    if row is None:
        if timing:
            _make(connection, tenant_id, definition)
        return
    held = held_of(row)
    if held.source != "definition":
        return
    if not timing:
        _sql.drop_waiting.run(connection, **held.key, reason=f"version {version} has no schedule")
        _sql.retire.run(connection, **held.key, state="ended")
        return
    spec = _spec(definition)
    _sql.change.run(connection, **held.key, source="definition", **parameters_of(spec))
    by_people = held.state == "paused" and held.paused_by != AUTHOR
    if held.state == "paused" and not by_people:
        _sql.resume.run(connection, **held.key, state="ended", due_at=None)  # until the chain is set out, just below
    set_out(connection, replace(held, spec=spec, state="paused" if by_people else "active"))
    if definition.get("is_paused") and not by_people:
        _pause(connection, held.key)


def _make(connection: Connection, tenant_id: UUID, definition: JsonObject) -> None:
    spec = _spec(definition)
    try:
        with attempt(connection):
            made = create_schedule(connection, tenant_id=tenant_id, spec=spec, created_by=AUTHOR, source="definition")
    except StateError:  # somebody made one of this name a moment ago: it is theirs
        return
    if definition.get("is_paused"):
        _pause(connection, {"tenant_id": tenant_id, "schedule_id": made.schedule_id})


def _spec(definition: JsonObject) -> ScheduleSpec:
    """The language's four fields as a schedule's: UTC, and one run after the other unless more may be open."""
    starts_at = definition.get("start_date")
    is_catching_up = bool(definition.get("catchup"))
    most_open = definition.get("max_active_runs")
    may_overlap = isinstance(most_open, int) and most_open > 1
    tags = definition.get("tags")
    return ScheduleSpec(
        name=str(definition["name"]),
        workflow_name=str(definition["name"]),
        timing=str(definition["schedule"]),
        overlap="allow" if may_overlap else "buffer_all" if is_catching_up else "skip",
        catchup="all" if is_catching_up else "last",
        starts_at=_moment(starts_at) if isinstance(starts_at, str) else None,
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"the start_date {text[:80]!r} is no time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pause(connection: Connection, key: dict[str, UUID]) -> None:
    _sql.pause.run(connection, **key, paused_by=AUTHOR, reason="the definition says is_paused")
