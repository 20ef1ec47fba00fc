"""A worker process for tests: ``python -m tests.support.worker_process DSN NAME [PROCESSES]``; killed, stopped and restarted at will."""

from __future__ import annotations

import logging
import sys

from engine.durable.tool_context import HttpPolicy
from engine.tools import registry
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from sandbox.bubblewrap import BubblewrapSandbox


def main(dsn: str, name: str, processes: str = "1") -> int:
    """Run until told to stop."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(threadName)s %(name)s %(message)s")
    return run_worker(
        WorkerConfig(
            dsn,
            name,
            registry,
            BubblewrapSandbox,
            slots=8,
            grace_seconds=5,
            lease_seconds=4,
            http_policy=HttpPolicy(allow_internal=True),
        ),
        int(processes),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
