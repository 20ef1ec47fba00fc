"""Firing a tick: its row and its run in one statement, and a failure that stops nothing but itself."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import (
    BacklogFullError,
    BusyError,
    ConnectionLostError,
    DatabaseError,
    EngineError,
    StateError,
    blames_values,
)
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.kit.json_text import NotJsonError, dumps, storable
from engine.model.schedules import TickKind
from engine.schedules.inputs import InputsError, run_inputs
from engine.schedules.rows import Held

_logger = logging.getLogger(__name__)
_sql = load("schedule")
_flow = load("flow")


class Firing:
    """Fires ticks of one held schedule in the transaction that is open."""

    def __init__(self, connection: Connection, held: Held) -> None:
        self._connection = connection
        self._held = held
        self.run_ids: list[UUID] = []

    def check_admission(self) -> None:
        """Raise `StateError` while its queue drains, `BacklogFullError` while a cap of its tenant is reached: as for any other submission."""
        with self._connection.transaction():
            _flow.check_admission.run(self._connection, tenant_id=self._held.tenant_id, queue=self._held.spec.queue)

    def refusal(self) -> str:
        """Why no run may be started now, in words; "" when one may."""
        try:
            self.check_admission()
        except (StateError, BacklogFullError) as error:
            return str(error)
        return ""

    def fire(self, tick: datetime, *, kind: TickKind = "scheduled", by: str = "", reason: str = "") -> int:
        """Start the run of a tick. A tick that cannot have one is failed, with the reason. Returns how many runs were started: 1 or 0."""
        try:
            with self._connection.transaction():
                run_id = self._start(tick, kind=kind, by=by, reason=reason)
        except (BusyError, ConnectionLostError):
            raise
        except (InputsError, NotJsonError, EngineError) as error:
            return self._fail(tick, kind, str(error))
        except DatabaseError as error:
            if not blames_values(error):
                raise
            return self._fail(tick, kind, error.diag.message_primary or str(error))
        if run_id is None:
            return self._fail(tick, kind, "its definition is gone")  # changes nothing when it has fired before
        reach(FaultPoint.CRON_INSERT_RUN)
        self.run_ids.append(run_id)
        return 1

    def _start(self, tick: datetime, *, kind: TickKind, by: str, reason: str) -> UUID | None:
        held = self._held
        if held.runs_definition is None:
            raise InputsError("", f"there is no workflow {held.spec.workflow_name!r}")
        row = _sql.fire.one(
            self._connection,
            **held.key,
            tick_at=tick,
            kind=kind,
            definition_id=held.runs_definition,
            inputs=dumps(run_inputs(held.spec, tick)),
            by=by,
            reason=reason,
        )
        return row["workflow_run_id"] if row else None

    def _fail(self, tick: datetime, kind: TickKind, reason: str) -> int:
        _logger.warning("tick %s of schedule %s failed: %s", tick, self._held.schedule_id, reason)
        _sql.fail_tick.run(self._connection, **self._held.key, tick_at=tick, kind=kind, reason=storable(reason)[:1000])
        return 0
