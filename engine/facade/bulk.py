"""The same change to many runs that a filter finds: first counted, then in bounded steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError, StateError
from engine.db.queries import load
from engine.facade import control
from engine.facade.reads import filter_parameters, list_runs
from engine.facade.submit import cancel, retry
from engine.facade.tenancy import attempt, tenant_transaction
from engine.model.views import RunFilter

_sql = load("control")
COUNT_CAP = 100_000
STEP_SIZE = 100  # runs of one step: their tasks are locked together, so no step takes long

BulkAction = Literal["cancel", "pause", "resume", "retry", "purge"]
_OPEN = ("pending", "running", "sleeping", "paused")
_ENDED = ("completed", "failed", "cancelled", "compensated")
_POSSIBLE: dict[BulkAction, tuple[str, ...]] = {
    "cancel": _OPEN,
    "pause": ("pending", "running", "sleeping"),
    "resume": ("paused",),
    "retry": _ENDED,
    "purge": _ENDED,
}


@dataclass(frozen=True, slots=True)
class BulkStep:
    """What one step did. ``skipped`` runs had changed meanwhile. ``next_cursor``: go on with it; None when all that the filter finds was seen."""

    done: list[UUID]
    skipped: list[UUID]
    next_cursor: UUID | None


def bulk_count(connection: Connection, *, tenant_id: UUID, action: BulkAction, chosen: RunFilter) -> int:
    """The dry run: how many runs the action would be done to, counted up to `COUNT_CAP`."""
    possible = _possible(action, chosen)
    with tenant_transaction(connection, tenant_id):
        row = _sql.count.one(connection, tenant_id=tenant_id, cap=COUNT_CAP, **filter_parameters(possible))
    return int(row["runs"]) if row else 0


def bulk_step(
    connection: Connection,
    *,
    tenant_id: UUID,
    action: BulkAction,
    chosen: RunFilter,
    by: str = "",
    before: UUID | None = None,
    quantity: int = STEP_SIZE,
) -> BulkStep:
    """Do it to the next ``quantity`` runs, newest first, older than ``before``. Call again with ``next_cursor`` until there is none."""
    possible = _possible(action, chosen)
    with tenant_transaction(connection, tenant_id):
        runs = list_runs(connection, tenant_id=tenant_id, chosen=possible, before=before, quantity=quantity + 1)
        ids = [run.workflow_run_id for run in runs[:quantity]]
        # All locks at once, in order: taken run by run, two steps that meet could wait for each other.
        _sql.hold_families.run(connection, tenant_ids=[tenant_id] * len(ids), run_ids=ids)
        done = [run_id for run_id in ids if _do(connection, tenant_id, action, run_id, by)]
    skipped = [run_id for run_id in ids if run_id not in set(done)]
    return BulkStep(done, skipped, ids[-1] if len(runs) > quantity else None)


def _possible(action: BulkAction, chosen: RunFilter) -> RunFilter:
    """The filter, narrowed to runs that the action makes sense for."""
    possible = _POSSIBLE.get(action)
    if possible is None:
        raise InvalidError(f"{action!r} is none of {', '.join(_POSSIBLE)}")
    statuses = tuple(status for status in possible if not chosen.statuses or status in chosen.statuses)
    if not statuses:
        raise InvalidError(f"runs that are {', '.join(chosen.statuses)} cannot be the object of {action}")
    return replace(chosen, statuses=statuses)


def _do(connection: Connection, tenant_id: UUID, action: BulkAction, run_id: UUID, by: str) -> bool:
    """Each in a savepoint: one that has changed meanwhile is passed by."""
    changes: dict[BulkAction, Callable[..., object]] = {
        "cancel": partial(cancel, reason=f"cancelled by {by}" if by else "cancelled"),
        "pause": partial(control.pause, by=by),
        "resume": partial(control.resume, by=by),
        "retry": partial(retry, triggered_by=by),
        "purge": control.purge,
    }
    try:
        with attempt(connection):
            changes[action](connection, tenant_id=tenant_id, workflow_run_id=run_id)
    except (StateError, NotFoundError):
        return False
    return True
