"""Procrastinate's client."""

from __future__ import annotations

from procrastinate import App, SyncPsycopgConnector

from bench.client import Kind
from bench.postgres_client import PostgresObserver

BATCH = 1_000


class ProcrastinateClient(PostgresObserver):
    """Defers jobs by its library."""

    STAGE = "SELECT CASE status WHEN 'succeeded' THEN 'done' WHEN 'failed' THEN 'failed' ELSE 'open' END FROM procrastinate_jobs WHERE id = %s::bigint"
    ALL_DONE = """
        SELECT NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo') AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'doing')"""
    ENDS = """
        SELECT count(*), extract(epoch FROM percentile_disc(0.2) WITHIN GROUP (ORDER BY at)), extract(epoch FROM max(at))
          FROM procrastinate_events WHERE at >= to_timestamp(%s) AND type = 'succeeded'"""
    BEGUN = "SELECT extract(epoch FROM at) FROM procrastinate_events WHERE job_id = %s::bigint AND type = 'started'"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._app = App(connector=SyncPsycopgConnector(conninfo=dsn, min_size=1, max_size=1))
        self._app.open()

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:  # noqa: ARG002 (without a worker nothing runs)
        """One job."""
        return str(self._app.configure_task(kind).defer())

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:  # noqa: ARG002
        """Its own way to defer many."""
        job = self._app.configure_task(kind)
        for done in range(0, count, BATCH):
            job.batch_defer(*({} for _ in range(min(BATCH, count - done))))

    def emit(self, run: str) -> None:
        """A queue has no events."""
        raise NotImplementedError(run)

    def close(self) -> None:
        """Both."""
        self._app.close()
        super().close()


def open_client(config: dict[str, str]) -> ProcrastinateClient:
    """A client of the database that the bench names."""
    return ProcrastinateClient(config["dsn"])
