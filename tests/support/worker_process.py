"""A worker process for tests, killed, stopped and restarted at will: ``python -m tests.support.worker_process DSN NAME [CHANGES [PROCESSES]]``.

CHANGES is a JSON object of fields of `WorkerConfig`; ``services`` in the form that `services_of` reads.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from engine.db.outside import OutsideDatabase, OutsideDatabases
from engine.durable.runners import DockerPolicy, RunnerSettings
from engine.durable.tool_context import HttpPolicy
from engine.ports import MailServer, ModelProvider, Services
from engine.tools import registry
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from sandbox.bubblewrap import BubblewrapSandbox
from tests.support.tools import TOOLS

MODES = "HIGHWAY_TEST_WORKER_MODES"  # deaf: hears no notification; always_suspend: every step is a re-entry


def main(dsn: str, name: str, changes: str = "{}", processes: str = "1") -> int:
    """Run until told to stop."""
    modes = os.environ.get(MODES, "")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(threadName)s %(name)s %(message)s")
    given: dict[str, Any] = {"slots": 8, "grace_seconds": 5, "lease_seconds": 60, "listens": "deaf" not in modes}
    given |= json.loads(changes)
    given["services"] = services_of(given.get("services", {}))
    given["queues"] = tuple(given.get("queues", ("default",)))
    given["runners"] = runner_settings(given.get("runners", {}))
    return run_worker(
        WorkerConfig(
            dsn,
            name,
            {**registry, **TOOLS},
            BubblewrapSandbox,
            http_policy=HttpPolicy(allow_internal=True),
            always_suspend=suspends_always(),
            **given,
        ),
        int(processes),
    )


def suspends_always() -> bool:
    """Whether the workers of these tests let go of their task at each wait, as one of the campaigns has it: what follows is a commit of its own then."""
    return "always_suspend" in os.environ.get(MODES, "")


def runner_settings(given: dict[str, Any]) -> RunnerSettings:
    """What the worker offers, of JSON."""
    return RunnerSettings(docker=DockerPolicy(**given.get("docker", {})))


def services_of(given: dict[str, Any]) -> Services:
    """``{"models": {name: [kind, base_url]}, "mail_port": ..., "databases": {name: dsn}}``, for every tenant."""
    port = given.get("mail_port")
    return Services(
        models={name: ModelProvider(*parts) for name, parts in given.get("models", {}).items()},
        mail=MailServer("127.0.0.1", port, "highway@example.org", security="none") if port else None,
        databases=OutsideDatabases(
            {name: OutsideDatabase(dsn, None, writable=True) for name, dsn in given.get("databases", {}).items()}
        ),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
