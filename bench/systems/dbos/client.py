"""DBOS's client."""

from __future__ import annotations

from typing import cast

import sqlalchemy
from dbos import DBOSClient, EnqueueOptions

from bench.client import Kind
from bench.postgres_client import PostgresObserver

BATCH = 100  # of one transaction: the library has no other way to enqueue many


class DbosClient(PostgresObserver):
    """Enqueues by its library, which needs to run no workflows itself."""

    # Whether it waits for a message is known to its process alone: it does soon after it was dequeued.
    STAGE = """
        SELECT CASE WHEN status = 'SUCCESS' THEN 'done'
                    WHEN status = 'PENDING' AND started_at_epoch_ms < extract(epoch FROM clock_timestamp()) * 1000 - 100 THEN 'waiting'
                    WHEN status = 'ERROR' THEN 'failed' ELSE 'open' END
          FROM dbos.workflow_status WHERE workflow_uuid = %s"""
    ALL_DONE = "SELECT NOT EXISTS (SELECT FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING'))"
    ENDS = """
        SELECT count(*), percentile_disc(0.2) WITHIN GROUP (ORDER BY completed_at) / 1000.0, max(completed_at) / 1000.0
          FROM dbos.workflow_status WHERE completed_at >= %s * 1000 AND status = 'SUCCESS' AND parent_workflow_id IS NULL"""
    BEGUN = "SELECT started_at_epoch_ms / 1000.0 FROM dbos.workflow_status WHERE workflow_uuid = %s"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._client = DBOSClient(system_database_url=dsn)
        self._engine = sqlalchemy.create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:  # noqa: ARG002 (without a worker nothing runs)
        """One workflow."""
        return str(self._client.enqueue(_options(kind)).get_workflow_id())

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:  # noqa: ARG002
        """Transactions of a hundred."""
        for done in range(0, count, BATCH):
            with self._engine.begin() as connection:
                for _ in range(min(BATCH, count - done)):
                    self._client.enqueue_in_transaction(connection, _options(kind))

    def emit(self, run: str) -> None:
        """A message to a workflow."""
        self._client.send(run, "go", topic="go")

    def resumed_at(self, run: str) -> float:
        """What the workflow returned: its library has it pickled."""
        return float(self._client.retrieve_workflow(run).get_result())

    def close(self) -> None:
        """All connections."""
        self._engine.dispose()
        self._client.destroy()
        super().close()


def _options(kind: Kind) -> EnqueueOptions:
    return cast("EnqueueOptions", {"workflow_name": kind, "queue_name": "bench"})


def open_client(config: dict[str, str]) -> DbosClient:
    """A client of the database that the bench names."""
    return DbosClient(config["dsn"])
