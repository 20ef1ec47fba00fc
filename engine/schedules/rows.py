"""Rows of `highway.schedule` as typed data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.db.connection import Row
from engine.kit.json_text import dumps
from engine.model.schedules import ScheduleSpec, ScheduleView
from engine.schedules.chain import Chain

_SPEC = [one.name for one in fields(ScheduleSpec)]
_VIEW = [one.name for one in fields(ScheduleView) if one.name != "spec"]


@dataclass(frozen=True, slots=True)
class Held:
    """A schedule whose row this transaction holds, at the time ``now``. ``runs_definition`` is what a tick would run; None when there is none."""

    tenant_id: UUID
    schedule_id: UUID
    spec: ScheduleSpec
    source: str
    state: str
    anchor_at: datetime
    last_at: datetime
    next_at: datetime | None
    paused_by: str | None
    runs_definition: UUID | None
    now: datetime
    forgotten_to: datetime | None = None

    @property
    def key(self) -> dict[str, UUID]:
        """The parameters that every query of one schedule takes."""
        return {"tenant_id": self.tenant_id, "schedule_id": self.schedule_id}

    def chain(self) -> Chain:
        """Its ticks. Raises `TimingError` or `ZoneError`."""
        return Chain(self.schedule_id, self.spec, self.anchor_at)


def held_of(row: Row) -> Held:
    """A row that was read for update."""
    own = {one.name: row.get(one.name) for one in fields(Held) if one.name != "spec"}
    return Held(spec=spec_of(row), **own)  # type: ignore[arg-type]  # the query's columns have these names and types


def spec_of(row: Row) -> ScheduleSpec:
    """What its owner asked for."""
    return ScheduleSpec(**{name: row[name] for name in _SPEC})


def view_of(row: Row) -> ScheduleView:
    """All of it, for those who only look."""
    return ScheduleView(spec=spec_of(row), **{name: row[name] for name in _VIEW if name in row})


def parameters_of(spec: ScheduleSpec) -> dict[str, Any]:
    """A spec as the parameters of the queries that write it."""
    return {**asdict(spec), "inputs": dumps(spec.inputs)}
