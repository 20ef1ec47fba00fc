"""Submits as the web process does, by `engine.facade` with its role; looks at the tables as a superuser."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bench.client import Kind
from bench.postgres_client import PostgresObserver
from bench.systems.highway.definitions import DEFINITIONS, INPUTS
from engine import facade
from engine.db.connection import connect

TENANT = UUID(int=1)
BATCH = 1_000  # runs of one call, where many are submitted


class HighwayClient(PostgresObserver):
    """One tenant's program that submits."""

    STAGE = """
        SELECT CASE r.status WHEN 'completed' THEN 'done' WHEN 'sleeping' THEN 'waiting' WHEN 'failed' THEN 'failed' ELSE 'open' END
          FROM highway.workflow_run AS r WHERE r.tenant_id = '00000000-0000-0000-0000-000000000001' AND r.workflow_run_id = %s::uuid"""
    ALL_DONE = """
        SELECT NOT EXISTS (SELECT FROM highway.task WHERE state = 'pending') AND NOT EXISTS (SELECT FROM highway.task WHERE state = 'running')
           AND NOT EXISTS (SELECT FROM highway.task WHERE state = 'sleeping')"""
    # By the primary key, as everything here: a history of millions must not slow the looks.
    ENDS = """
        SELECT count(*), extract(epoch FROM percentile_disc(0.2) WITHIN GROUP (ORDER BY finished_at)), extract(epoch FROM max(finished_at))
          FROM highway.workflow_run
         WHERE tenant_id = '00000000-0000-0000-0000-000000000001' AND workflow_run_id >= highway.uuid7_from(to_timestamp(%s))
           AND status = 'completed' AND parent_run_id IS NULL"""
    BEGUN = """
        SELECT extract(epoch FROM started_at) FROM highway.workflow_run
         WHERE tenant_id = '00000000-0000-0000-0000-000000000001' AND workflow_run_id = %s::uuid"""
    # Its end by the database's clock, less the time that it took in the worker: never before it really began.
    RESUMED = """
        SELECT extract(epoch FROM started_at) FROM highway.checkpoint
         WHERE tenant_id = '00000000-0000-0000-0000-000000000001' AND workflow_run_id = %s::uuid AND scope = '' AND step_key = 'step'"""

    def __init__(self, web: str, look: str) -> None:
        super().__init__(look)
        self._web = connect(web, name="bench")
        self._definitions = {
            kind: facade.register(self._web, tenant_id=TENANT, definition=definition).definition_id
            for kind, definition in DEFINITIONS.items()
        }

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:  # noqa: ARG002 (without a worker nothing runs)
        """As `POST /workflows` does."""
        return str(self._submit(kind).workflow_run_id)

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:  # noqa: ARG002
        """As `POST /workflows/batch` does."""
        inputs = INPUTS.get(kind, {})
        for done in range(0, count, BATCH):
            facade.submit_many(
                self._web,
                tenant_id=TENANT,
                definition_id=self._definitions[kind],
                inputs=[inputs] * min(BATCH, count - done),
            )

    def emit(self, run: str) -> None:
        """As `POST /workflows/{id}/events` does."""
        facade.emit_event(self._web, tenant_id=TENANT, workflow_run_id=UUID(run), name="go")

    def close(self) -> None:
        """Close both connections."""
        self._web.close()
        super().close()

    def _submit(self, kind: Kind) -> Any:
        definition_id = self._definitions[kind]
        return facade.submit(self._web, tenant_id=TENANT, definition_id=definition_id, inputs=INPUTS.get(kind, {}))


def open_client(config: dict[str, str]) -> HighwayClient:
    """A client of the database that the bench names."""
    return HighwayClient(config["web"], config["look"])
