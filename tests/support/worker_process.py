"""A worker process for tests: ``python -m tests.support.worker_process DSN NAME``; killed, stopped and restarted at will."""

from __future__ import annotations

import logging
import os
import sys

from engine.durable.tool_context import HttpPolicy
from engine.tools import registry
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from sandbox.bubblewrap import BubblewrapSandbox

MODES = "HIGHWAY_TEST_WORKER_MODES"  # deaf: hears no notification; always_suspend: every step is a re-entry


def main(dsn: str, name: str) -> int:
    """Run until told to stop."""
    modes = os.environ.get(MODES, "")
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
            listens="deaf" not in modes,
            always_suspend="always_suspend" in modes,
        )
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
