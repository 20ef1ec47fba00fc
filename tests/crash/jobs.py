"""What forked processes do: be a worker, or a client that keeps a ledger of what was accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.db.migrate import apply_migrations
from engine.durable.tool_context import HttpPolicy
from engine.tools import registry
from engine.tools.http.transport import trusted
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from launch.commands import CHECKOUT
from sandbox.bubblewrap import BubblewrapSandbox
from tests.crash.clock import skew_clock
from tests.crash.faults import Armed, Fault, note

trusted()  # read once, here, for all who are forked


def worker(dsn: str, name: str, folder: str, faults: list[str], skew_seconds: float = 0.0, **options: Any) -> None:
    """A worker that hurts itself as told."""
    Armed([Fault.read(fault) for fault in faults], Path(folder))
    if skew_seconds:
        skew_clock(skew_seconds)
    options["queues"] = tuple(options.get("queues", ("default",)))
    config = WorkerConfig(
        dsn, name, registry, BubblewrapSandbox, http_policy=HttpPolicy(allow_internal=True), **options
    )
    run_worker(config)


def client(dsn: str, folder: str, faults: list[str], tenant: str, steps: list[dict[str, Any]]) -> None:
    """Does what ``steps`` say, one after the other; what was accepted goes into the ledger before the next one begins.

    A step names a run by the key under which it was submitted, so that a client that died is repeated by another with the same steps.
    """
    Armed([Fault.read(fault) for fault in faults], Path(folder))
    with connect(dsn) as connection:
        runs: dict[str, str] = {}
        for step in steps:
            given = {**step, "run": runs.get(step.get("run", ""), "")}
            accepted = {**given, **_ACTIONS[step["do"]](connection, UUID(tenant), given)}
            runs[step.get("key", "")] = accepted["run"]
            note(Path(folder) / "ledger", json.dumps(accepted))


def migrate(dsn: str, folder: str, faults: list[str]) -> None:
    """Brings a database up to date."""
    Armed([Fault.read(fault) for fault in faults], Path(folder))
    with connect(dsn) as connection:
        apply_migrations(connection, CHECKOUT / "sql" / "migrations")
    note(Path(folder) / "ledger", json.dumps({"do": "migrate"}))


def _submit(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    """Start a run once for its key, as the web does: key, run and answer in one transaction."""
    with connection.transaction():
        before = facade.claim_key(connection, tenant_id=tenant, key=step["key"], request_hash=step["key"])
        if before is not None:
            return {"run": str(before.workflow_run_id)}
        started = facade.submit(
            connection,
            tenant_id=tenant,
            definition_id=UUID(step["definition"]),
            inputs=step.get("inputs", {}),
            queue=step["queue"],
        )
        run = started.workflow_run_id
        facade.answer(connection, tenant_id=tenant, key=step["key"], status=201, body=None, workflow_run_id=run)
    return {"run": str(run)}


def _emit(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    given = {"tenant_id": tenant, "workflow_run_id": UUID(step["run"]), "name": step["name"], "payload": {}}
    try:
        return {"first": facade.emit_event(connection, **given)}
    except facade.StateError as error:
        return {"first": False, "why": str(error)}  # a repeated request finds the run ended


def _cancel(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"status": facade.cancel(connection, tenant_id=tenant, workflow_run_id=UUID(step["run"]))}
    except facade.StateError as error:
        return {"status": str(error)}  # a repeated request finds it cancelled


def _await(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    """Wait, within a bound, until a run's first step is done or the run has ended."""
    which = {"tenant_id": tenant, "workflow_run_id": UUID(step["run"])}
    end = time.monotonic() + 20
    while time.monotonic() < end and facade.get_run(connection, **which).is_open:
        if facade.list_checkpoints(connection, **which, scope="", step_key="first"):
            break
        time.sleep(0.02)
    return {}


_ACTIONS: dict[str, Callable[[Any, UUID, dict[str, Any]], dict[str, Any]]] = {
    "submit": _submit,
    "emit": _emit,
    "cancel": _cancel,
    "await": _await,
}
