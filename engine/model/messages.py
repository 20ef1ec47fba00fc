"""What people and clients read about requests to runs, and about what runs undo: frozen rows, never written back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class UpdateView:
    """A request to a run and its answer. ``state``: pending, taken, completed, failed."""

    update_id: UUID
    workflow_run_id: UUID
    seq: int
    name: str
    payload: Json
    requested_by: str
    requested_at: datetime
    taken_by: str | None
    taken_at: datetime | None
    result: Json
    state: str
    error: JsonObject | None
    answered_at: datetime | None

    @property
    def is_answered(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class UndoView:
    """A call that undoes a step. ``outcome``: None while it was not made, succeeded, failed."""

    scope: str
    step_key: str
    seq: int
    call: JsonObject
    registered_at: datetime
    outcome: str | None
    undone_at: datetime | None
    error: JsonObject | None
