"""A worker process for tests, killed, stopped and restarted at will: ``python -m tests.support.worker_process DSN NAME [CHANGES [PROCESSES]]``.

CHANGES is a JSON object of fields of `WorkerConfig`.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from engine.durable.tool_context import HttpPolicy
from engine.tools import registry
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from sandbox.bubblewrap import BubblewrapSandbox
from tests.support.tools import TOOLS


def main(dsn: str, name: str, changes: str = "{}", processes: str = "1") -> int:
    """Run until told to stop."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(threadName)s %(name)s %(message)s")
    given: dict[str, Any] = {"slots": 8, "grace_seconds": 5, "lease_seconds": 4} | json.loads(changes)
    given["queues"] = tuple(given.get("queues", ("default",)))
    return run_worker(
        WorkerConfig(
            dsn,
            name,
            {**registry, **TOOLS},
            BubblewrapSandbox,
            http_policy=HttpPolicy(allow_internal=True),
            **given,
        ),
        int(processes),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
