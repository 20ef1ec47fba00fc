"""Absurd's client."""

from __future__ import annotations

import psycopg
from absurd_sdk import Absurd

from bench.client import Kind
from bench.postgres_client import PostgresObserver
from bench.systems.absurd.tasks import QUEUE

BATCH = 1000  # spawns of one statement: its SQL functions are its interface, and the Python library has no other way to submit many
SPAWN_MANY = "SELECT (absurd.spawn_task(%s, %s, 'null')).task_id FROM generate_series(1, %s)"


class AbsurdClient(PostgresObserver):
    """Spawns tasks by its library, many by its SQL function."""

    STAGE = """
        SELECT CASE state WHEN 'completed' THEN 'done' WHEN 'sleeping' THEN 'waiting' WHEN 'failed' THEN 'failed' ELSE 'open' END
          FROM absurd.t_bench WHERE task_id = %s::uuid"""
    ALL_DONE = """
        SELECT NOT EXISTS (SELECT FROM absurd.r_bench WHERE state IN ('pending', 'running', 'sleeping'))
           AND NOT EXISTS (SELECT FROM absurd.r_bench_children WHERE state IN ('pending', 'running', 'sleeping'))"""
    ENDS = """
        SELECT count(*), extract(epoch FROM percentile_disc(0.2) WITHIN GROUP (ORDER BY completed_at)), extract(epoch FROM max(completed_at))
          FROM absurd.r_bench WHERE completed_at >= to_timestamp(%s) AND state = 'completed'"""
    BEGUN = "SELECT extract(epoch FROM first_started_at) FROM absurd.t_bench WHERE task_id = %s::uuid"
    RESUMED = "SELECT completed_payload::text::float8 FROM absurd.t_bench WHERE task_id = %s::uuid"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._own = psycopg.connect(dsn, autocommit=True)
        self._app = Absurd(self._own, queue_name=QUEUE)

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:  # noqa: ARG002 (without a worker nothing runs)
        """One task."""
        return str(self._app.spawn(kind, None, queue=QUEUE)["task_id"])

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:  # noqa: ARG002
        """A thousand a statement."""
        for done in range(0, count, BATCH):
            self._own.execute(SPAWN_MANY, [QUEUE, kind, min(BATCH, count - done)])

    def emit(self, run: str) -> None:
        """The event of a task."""
        self._app.emit_event(f"go:{run}", None, queue_name=QUEUE)

    def close(self) -> None:
        """Both connections."""
        self._own.close()
        super().close()


def open_client(config: dict[str, str]) -> AbsurdClient:
    """A client of the database that the bench names."""
    return AbsurdClient(config["dsn"])
