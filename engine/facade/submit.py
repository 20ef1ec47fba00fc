"""Starting runs and changing them from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import InvalidError, NotFoundError, StateError
from engine.db.queries import load
from engine.facade.payloads import with_payload
from engine.facade.reads import get_run
from engine.facade.tenancy import tenant_statement, tenant_transaction
from engine.kit.fault_points import FaultPoint, reach
from engine.kit.json_text import dumps
from engine.language.adding import ADD_ITEMS, read_added
from engine.model.flow import FlowOptions
from engine.model.json import Json, JsonObject
from engine.model.views import Submitted

_sql = load("run")
_flow = load("flow")


def submit(
    connection: Connection,
    *,
    tenant_id: UUID,
    definition_id: UUID,
    inputs: JsonObject,
    queue: str = "default",
    priority: int = 0,
    delay_seconds: float = 0,
    tags: Sequence[str] = (),
    attributes: JsonObject | None = None,
    trigger: str = "api",
    triggered_by: str = "",
    retry_of: UUID | None = None,
    flow: FlowOptions | None = None,
) -> Submitted:
    """Start a run of a stored definition. Once the caller's transaction commits, the run is never lost.

    ``delay_seconds`` is counted by the database from now; ``priority`` orders runs of one tenant, higher first: a point counts like a minute of
    waiting. With ``flow`` the answer may be a run that is there already. Raises `NotFoundError` for an unknown definition, `StateError` for a
    draining queue or a singleton's refusal, `BacklogFullError` when a cap of the tenant is reached.
    """
    what: dict[str, Any] = {
        "tenant_id": tenant_id,
        "definition_id": definition_id,
        "queue": queue,
        "priority": priority,
        "delay_seconds": delay_seconds,
        "tags": list(tags),
        "attributes": dumps(attributes or {}),
        "trigger": trigger,
        "triggered_by": triggered_by,
    }
    reach(FaultPoint.SUBMIT_BEFORE_INSERT)
    with with_payload(connection, tenant_id, None, inputs, alone=flow is None) as text:
        if flow is None:
            submitted = submit_stored(connection, **what, inputs=text, retry_of=retry_of)
        else:
            row = _flow.submit.one(connection, **what, inputs=text, flow=dumps(flow.to_json()))
            submitted = _joined(connection, tenant_id, row)
        reach(FaultPoint.SUBMIT_AFTER_INSERT)
    reach(FaultPoint.SUBMIT_BEFORE_REPLY)
    return submitted


def submit_stored(
    connection: Connection, *, tenant_id: UUID, definition_id: UUID, inputs: str, **how: Any
) -> Submitted:
    """Start a run with inputs as a row holds them: a reference in them stays one. In a transaction of the tenant."""
    row = _sql.submit.one(connection, tenant_id=tenant_id, definition_id=definition_id, inputs=inputs, **how)
    if row is None:
        raise NotFoundError(f"no workflow definition {definition_id}")
    return Submitted(**row)


def retry(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, triggered_by: str = "") -> Submitted:
    """Start an ended run again, as a new run with the same definition and inputs. Raises `StateError` while the run is open."""
    with tenant_transaction(connection, tenant_id):
        _sql.keep.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        run = get_run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        if run.is_open:
            raise StateError(f"workflow run {workflow_run_id} is still {run.status}; only an ended run can be retried")
        return submit_stored(
            connection,
            tenant_id=tenant_id,
            definition_id=run.definition_id,
            inputs=dumps(run.inputs),
            queue=run.queue,
            priority=run.priority,
            delay_seconds=0,
            tags=run.tags,
            attributes=dumps(run.attributes),
            trigger="retry",
            triggered_by=triggered_by,
            retry_of=workflow_run_id,
        )


def cancel(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, reason: str = "cancelled") -> str:
    """Ask a run to stop; returns its status now. It ends at once unless a worker is in the middle of it. Raises `StateError` when it has ended."""
    reach(FaultPoint.CANCEL_BEFORE)
    with tenant_statement(connection, tenant_id):
        row = _sql.cancel.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, reason=reason)
        reach(FaultPoint.CANCEL_AFTER)
    reach(FaultPoint.CANCEL_BEFORE_REPLY)
    return str(row["status"]) if row else ""


def emit_event(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, name: str, payload: Json = None, by: str = ""
) -> bool:
    """Emit an event of a run from outside. The first emit of a name wins; returns whether this one did."""
    reach(FaultPoint.EMIT_BEFORE)
    with with_payload(connection, tenant_id, workflow_run_id, payload) as text:
        row = _sql.emit_event.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, name=name, payload=text, by=by
        )
        reach(FaultPoint.EMIT_AFTER)
    reach(FaultPoint.EMIT_BEFORE_REPLY)
    return bool(row and row["first"])


def send_signal(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, name: str, payload: Json = None, by: str = ""
) -> int:
    """Put a signal into a run's inbox; returns its number. The first of a name is also the run's event of that name.

    Raises `InvalidError` for items that no loop could take.
    """
    if name == ADD_ITEMS:
        _check_added(payload)
    reach(FaultPoint.SIGNAL_BEFORE)
    with with_payload(connection, tenant_id, workflow_run_id, payload) as text:
        row = _sql.send_signal.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, name=name, payload=text, by=by
        )
        reach(FaultPoint.SIGNAL_AFTER)
    reach(FaultPoint.SIGNAL_BEFORE_REPLY)
    return int(row["seq"]) if row else 0


def _check_added(payload: Json) -> None:
    try:
        read_added(payload)
    except ValueError as error:
        raise InvalidError(str(error)) from None


def _joined(connection: Connection, tenant_id: UUID, row: Row | None) -> Submitted:
    """The run that a submission under flow options has started, or joined: then it may be one of another definition."""
    if row is None:
        raise NotFoundError("no such workflow definition")
    run = get_run(connection, tenant_id=tenant_id, workflow_run_id=row["workflow_run_id"])
    return Submitted(
        run.workflow_run_id,
        run.definition_id,
        run.definition_hash,
        run.name,
        run.version,
        run.status,
        joined=bool(row["joined"]),
    )
