"""DBOS's workflows of the bench, and how it is set up."""

from __future__ import annotations

import time

from dbos import DBOS, DBOSConfig

from bench.client import CHILDREN, STEPS

QUEUE = "bench"
POLL_SECONDS = 0.005  # of the queue and of waiting for a child: the default of a second would be all that is measured
CONCURRENCY = 100


def config(url: str, number: str) -> DBOSConfig:
    """One executor. LISTEN/NOTIFY is on (the default); a thread and a connection for each workflow that runs at a time, within reason."""
    return {
        "name": "bench",
        "system_database_url": url,
        "application_version": "bench",
        "executor_id": f"bench-{number}",
        "sys_db_pool_size": 30,
        "max_executor_threads": CONCURRENCY * 2,
        "log_level": "WARNING",
    }


@DBOS.step()
def nothing() -> None:
    """The body of every step."""


@DBOS.step()
def clock() -> float:
    """The body of the step behind a wait."""
    return time.time()


@DBOS.workflow()
def one_step() -> None:
    """One durable step."""
    nothing()


@DBOS.workflow()
def ten_steps() -> None:
    """Ten, one after another."""
    for _ in range(STEPS):
        nothing()


@DBOS.workflow()
def wake_up() -> float:
    """Waits for a message, then one step."""
    DBOS.recv("go", timeout_seconds=600)
    return float(clock())


@DBOS.workflow()
def fan_out() -> None:
    """Children go to the queue, as the documentation's fan-out does."""
    children = [DBOS.enqueue_workflow(QUEUE, one_step) for _ in range(CHILDREN)]
    for child in children:
        child.get_result(polling_interval_sec=POLL_SECONDS)


def launch(url: str, number: str) -> None:
    """Start the executor and its queue."""
    DBOS(config=config(url, number))
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=POLL_SECONDS)
