"""What forked processes do: be a worker, or a client that keeps a ledger of what was accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from engine.db.migrate import apply_migrations
from engine.durable.runners import DatashardPolicy, RunnerSettings
from engine.durable.tool_context import HttpPolicy
from engine.model.schedules import ScheduleSpec
from engine.tools import registry
from engine.tools.http.transport import trusted
from engine.worker.config import WorkerConfig
from engine.worker.processes import run_worker
from launch.commands import CHECKOUT
from sandbox.bubblewrap import BubblewrapSandbox
from tests.crash.clock import skew_clock
from tests.crash.faults import Armed, Fault, note
from tests.support.worker_process import services_of

AWAIT_SECONDS = 20.0

trusted()  # read once, here, for all who are forked


def worker(dsn: str, name: str, folder: str, faults: list[str], skew_seconds: float = 0.0, **options: Any) -> None:
    """A worker that hurts itself as told."""
    Armed([Fault.read(fault) for fault in faults], Path(folder))
    if skew_seconds:
        skew_clock(skew_seconds)
    options["queues"] = tuple(options.get("queues", ("default",)))
    options["services"] = services_of(options.get("services", {}))
    options["runners"] = RunnerSettings(datashard=DatashardPolicy(folder=options.pop("tables", "")))
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
            runs[step.get("key", "")] = accepted.get("run", "")
            note(Path(folder) / "ledger", json.dumps(accepted))


def migrate(dsn: str, folder: str, faults: list[str]) -> None:
    """Brings a database up to date."""
    Armed([Fault.read(fault) for fault in faults], Path(folder))
    with connect(dsn) as connection:
        apply_migrations(connection, CHECKOUT / "sql" / "migrations")
    note(Path(folder) / "ledger", json.dumps({"do": "migrate"}))


def _once(connection: Any, tenant: UUID, key: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do something once for its key, as the web does: key, effect and answer in one transaction."""
    with connection.transaction():
        before = facade.claim_key(connection, tenant_id=tenant, key=key, request_hash=key)
        if before is not None:
            return cast(dict[str, Any], before.body)
        body = act()
        run = UUID(body["run"]) if "run" in body else None
        facade.answer(connection, tenant_id=tenant, key=key, status=201, body=body, workflow_run_id=run)
    return body


def _submit(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    def act() -> dict[str, Any]:
        given = {"definition_id": UUID(step["definition"]), "inputs": step.get("inputs", {}), "queue": step["queue"]}
        return {"run": str(facade.submit(connection, tenant_id=tenant, **given).workflow_run_id)}

    return _once(connection, tenant, step["key"], act)


def _signal(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    where = {"tenant_id": tenant, "workflow_run_id": UUID(step["run"])}

    def act() -> dict[str, Any]:
        return {"seq": facade.send_signal(connection, **where, name=step["name"], payload=step["payload"])}

    return _once(connection, tenant, f"{step['run']} {step['name']} {step['payload']}", act)


def _update(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    """Ask, and wait within a bound for the answer, as somebody at a screen does."""
    where = {"tenant_id": tenant, "workflow_run_id": UUID(step["run"])}

    def act() -> dict[str, Any]:
        return {"update": str(facade.request_update(connection, **where, name=step["name"], payload=step["payload"]))}

    asked = _once(connection, tenant, f"{step['run']} {step['name']}", act)
    end = time.monotonic() + AWAIT_SECONDS
    while not (seen := facade.get_update(connection, tenant_id=tenant, update_id=UUID(asked["update"]))).is_answered:
        assert time.monotonic() < end, "the update was not answered"
        time.sleep(0.02)
    return {**asked, "answer": seen.result}


def _approve(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    """Find the question, waiting within a bound until it is asked, and agree. To say it again changes nothing."""
    where = {"tenant_id": tenant, "workflow_run_id": UUID(step["run"])}
    end = time.monotonic() + AWAIT_SECONDS
    while not (found := [one for one in facade.approvals_of_run(connection, **where) if one.step == step["step"]]):
        assert time.monotonic() < end, "nobody was asked"
        time.sleep(0.02)
    (asked,) = found
    return {
        "state": facade.decide(
            connection, tenant_id=tenant, approval_id=asked.approval_id, vote="approve", by=step["by"]
        )
    }


def _schedule(connection: Any, tenant: UUID, step: dict[str, Any]) -> dict[str, Any]:
    """A schedule whose few ticks are due at once, and that ends with them."""

    def act() -> dict[str, Any]:
        now = connection.execute("SELECT highway.now()").fetchone()[0]
        spec = ScheduleSpec(
            name=step["key"],
            workflow_name=step["workflow"],
            timing="@every 1s",
            overlap="allow",
            catchup="all",
            starts_at=now - timedelta(seconds=step["ticks"]),
            ends_at=now,
            queue=step["queue"],
        )
        return {"schedule": str(facade.create_schedule(connection, tenant_id=tenant, spec=spec).schedule_id)}

    return _once(connection, tenant, step["key"], act)


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
    end = time.monotonic() + AWAIT_SECONDS
    while time.monotonic() < end and facade.get_run(connection, **which).is_open:
        if facade.list_checkpoints(connection, **which, scope="", step_key="first"):
            break
        time.sleep(0.02)
    return {}


_ACTIONS: dict[str, Callable[[Any, UUID, dict[str, Any]], dict[str, Any]]] = {
    "submit": _submit,
    "emit": _emit,
    "signal": _signal,
    "update": _update,
    "approve": _approve,
    "schedule": _schedule,
    "cancel": _cancel,
    "await": _await,
}
