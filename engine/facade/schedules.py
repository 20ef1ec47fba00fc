"""Schedules: making, changing, pausing and finding them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import UNIQUE_VIOLATION, DatabaseError, NotFoundError, StateError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.language.problems import Problem
from engine.model.schedules import ScheduleSpec, ScheduleSummary, ScheduleView
from engine.schedules.checking import ScheduleRefusedError, check_spec
from engine.schedules.holding import WHEN_FIELDS, hold, set_out
from engine.schedules.rows import Held, parameters_of, view_of

_sql = load("schedule")
_definitions = load("run")


def create_schedule(
    connection: Connection,
    *,
    tenant_id: UUID,
    spec: ScheduleSpec,
    created_by: str = "",
    source: Literal["api", "definition"] = "api",
) -> ScheduleView:
    """Store a schedule; it is active from now on. Raises `ScheduleRefusedError` with all that is wrong, `StateError` when the name is taken."""
    check_spec(spec)
    with tenant_transaction(connection, tenant_id):
        _require_definition(connection, tenant_id, spec)
        row = _sql.create.one(
            connection, tenant_id=tenant_id, source=source, created_by=created_by, **parameters_of(spec)
        )
        if row is None:
            raise StateError(f"there is a schedule {spec.name!r} already")
        set_out(connection, hold(connection, tenant_id, row["schedule_id"]))
        return get_schedule(connection, tenant_id=tenant_id, schedule_id=row["schedule_id"])


def update_schedule(
    connection: Connection, *, tenant_id: UUID, schedule_id: UUID, changes: Mapping[str, Any]
) -> ScheduleView:
    """Change fields of a schedule's spec. A change of when it comes counts from now: what was missed before is not caught up.

    Raises `NotFoundError`, `ScheduleRefusedError`, and `StateError` when the new name is taken.
    """
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        spec = replace(held.spec, **changes)
        check_spec(spec)
        if {"workflow_name", "definition_id"} & changes.keys():
            _require_definition(connection, tenant_id, spec)
        _change(connection, held, spec)
        if any(getattr(spec, name) != getattr(held.spec, name) for name in WHEN_FIELDS):
            set_out(connection, replace(held, spec=spec))
        return get_schedule(connection, tenant_id=tenant_id, schedule_id=schedule_id)


def delete_schedule(connection: Connection, *, tenant_id: UUID, schedule_id: UUID) -> None:
    """Delete a schedule. Its runs and the rows of its ticks stay; open runs go on. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        _sql.drop_waiting.run(connection, **held.key, reason="the schedule was deleted")
        _sql.retire.run(connection, **held.key, state="deleted")


def pause_schedule(
    connection: Connection, *, tenant_id: UUID, schedule_id: UUID, paused_by: str, reason: str = ""
) -> ScheduleView:
    """Stop a schedule until it is resumed; its open runs go on. Raises `NotFoundError`, and `StateError` when it is paused or has ended."""
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        if held.state != "active":
            raise StateError(f"schedule {held.spec.name!r} is {held.state}; only an active one can be paused")
        _sql.pause.run(connection, **held.key, paused_by=paused_by, reason=reason)
        return get_schedule(connection, tenant_id=tenant_id, schedule_id=schedule_id)


def resume_schedule(connection: Connection, *, tenant_id: UUID, schedule_id: UUID) -> ScheduleView:
    """Let a paused schedule go on. Ticks that came meanwhile are missed or caught up as its policy says. Raises `NotFoundError`, `StateError`."""
    with tenant_transaction(connection, tenant_id):
        held = hold(connection, tenant_id, schedule_id)
        if held.state != "paused":
            raise StateError(f"schedule {held.spec.name!r} is {held.state}; only a paused one can be resumed")
        state = "active" if held.next_at else "ended"
        due_at = held.chain().due_at(held.next_at) if held.next_at else None
        _sql.resume.run(connection, **held.key, state=state, due_at=due_at)
        return get_schedule(connection, tenant_id=tenant_id, schedule_id=schedule_id)


def get_schedule(connection: Connection, *, tenant_id: UUID, schedule_id: UUID) -> ScheduleView:
    """One schedule. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id, schedule_id=schedule_id)
    if row is None:
        raise NotFoundError(f"no schedule {schedule_id}")
    return view_of(row)


def list_schedules(
    connection: Connection, *, tenant_id: UUID, after_name: str = "", quantity: int = 50
) -> list[ScheduleView]:
    """Schedules by name, behind ``after_name``, each with how its last ten ticks went."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list.many(connection, tenant_id=tenant_id, after_name=after_name, quantity=quantity)
    return [view_of(row) for row in rows]


def summarize_schedules(connection: Connection, *, tenant_id: UUID) -> ScheduleSummary:
    """How many schedules a tenant has, how many are due, and when the next one comes."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.summary.one(connection, tenant_id=tenant_id)
    return ScheduleSummary(**row) if row else ScheduleSummary(0, 0, 0, None)


def _change(connection: Connection, held: Held, spec: ScheduleSpec) -> None:
    try:
        _sql.change.run(connection, **held.key, source=held.source, **parameters_of(spec))
    except DatabaseError as error:
        if error.sqlstate != UNIQUE_VIOLATION:
            raise
        raise StateError(f"there is a schedule {spec.name!r} already") from error


def _require_definition(connection: Connection, tenant_id: UUID, spec: ScheduleSpec) -> None:
    """What is to run is there now. That it is still there at a tick nobody can promise: then that tick fails."""
    found = _definitions.find_definition.one(
        connection,
        tenant_id=tenant_id,
        definition_id=spec.definition_id,
        definition_hash=None,
        name=None if spec.definition_id else spec.workflow_name,
        version=None,
    )
    if found is None:
        name = "definition_id" if spec.definition_id else "workflow_name"
        message = f"there is no workflow definition {spec.definition_id or spec.workflow_name!r}"
        raise ScheduleRefusedError([Problem(f"$.{name}", "unknown_definition", message)])
