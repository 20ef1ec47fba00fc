"""What the pages of operations show, written straight into the engine's tables: breakers, letters, queues, limits, workers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from engine import facade
from engine.kit.ids import uuid7
from engine.model.errors import StepError
from engine.model.flow import FlowLimit, FlowOptions
from engine.queue.commit import commit
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.integration.ui.seed import Seeder
from tests.support.runs import WORKER, take

PAY = "tools.http.request:pay.example"
REFUSED = {
    "kind": "tool",
    "type": "HTTPError",
    "message": "503 Service Unavailable from https://pay.example/v2/charges after 5 attempts",
    "retryable": True,
}


def breaker(seed: Seeder, resource: str, state: str, **columns: Any) -> None:
    """A breaker in a state."""
    row = {
        "tenant_id": seed.tenant_id,
        "resource_key": resource,
        "state": state,
        "open_until": datetime.now(UTC) + timedelta(minutes=4) if state == "open" else None,
        "consecutive_failures": 5,
        "last_error": json.dumps(REFUSED),
        "last_failure_at": datetime.now(UTC) - timedelta(minutes=3),
    } | columns
    _insert(seed, "breaker", row)


def letter(seed: Seeder, reason: str = "activity", run_id: UUID | None = None, **columns: Any) -> UUID:
    """A dead letter; its id."""
    letter_id = uuid7()
    row = {
        "tenant_id": seed.tenant_id,
        "dead_letter_id": letter_id,
        "reason": reason,
        "workflow_run_id": run_id,
        "step_key": "charge_card" if run_id else "",
        "error": json.dumps(REFUSED),
    } | columns
    _insert(seed, "dead_letter", row)
    return letter_id


def unstarted_letter(seed: Seeder, name: str = "order_fulfilment") -> UUID:
    """A letter about something that was never started, and can be."""
    found = facade.find_definition(seed.connection, tenant_id=seed.tenant_id, name=name)
    request = {"definition_id": str(found.definition_id), "inputs": {"order": 7}}
    error = {"kind": "schedule", "message": "the tick of 02:00 could start nothing: its queue drains"}
    return letter(seed, "schedule", request=json.dumps(request), error=json.dumps(error))


def worker(seed: Seeder, name: str, *, queues: list[str], alive: bool = True, **columns: Any) -> UUID:
    """A worker of the fleet; one that is alive holds its lock by the seeder's connection, for as long as that is open."""
    worker_id, lock_key = uuid4(), uuid4().int >> 66
    now = datetime.now(UTC)
    row = {
        "worker_id": worker_id,
        "name": name,
        "lock_key": lock_key,
        "queues": queues,
        "slots": 8,
        "capacity": 64,
        "running": 12,
        "code_version": "4f1c9e0a77d2",
        "started_at": now - timedelta(hours=7),
        "last_seen_at": now if alive else now - timedelta(minutes=11),
        "lease_expires_at": now + timedelta(hours=1) if alive else now - timedelta(minutes=10),
    } | columns
    _insert(seed, "worker", row)
    if alive:
        seed.connection.execute("SELECT pg_advisory_lock(%s)", [lock_key])
    return worker_id


def waits_for_a_person(
    seed: Seeder, dsn: str, steps: dict[str, dict[str, Any]], *, message: str = "the bank did not answer"
) -> UUID:
    """A run that is paused because the attempts of these steps are spent: their keys and inputs."""
    run_id = seed.run("pending")
    (task,) = [task for task in take(dsn, quantity=100) if task.task_id == run_id]
    error = StepError("tool", message)
    waits = [
        WaitWrite(
            key,
            "person",
            attempt=3,
            error=error,
            request={"kind": "exhausted", "tool": "tools.shell.run", "input": given, "error": error.to_json()},
        )
        for key, given in steps.items()
    ]
    commit(seed.connection, [TaskWrites(task, waits=waits, pause_for="attempts are spent", exit=Suspended())], WORKER)
    return run_id


def compensated_run(seed: Seeder) -> UUID:
    """A run whose fifth attempt to charge failed, and that undid what it had done before."""
    run_id = seed.run("running")
    seed.begin(run_id)
    seed.step(run_id, "reserve_stock", scope="prepare.stock", at=1.6, seconds=2.6)
    seed.step(run_id, "charge_card", "failed", scope="prepare.charge", at=1.6, seconds=6.5, attempt=5, error=REFUSED)
    for number, key in enumerate(("reserve_stock", "validate_order")):
        seed.step(run_id, f"{key}@undo", at=9 + number, seconds=0.4)
    seed.connection.execute(
        "UPDATE highway.task SET state = 'compensated', claimed_by = NULL, error = %s, finished_at = now(), result = '{}' WHERE task_id = %s",
        [json.dumps(REFUSED | {"step": "charge_card", "scope": "prepare.charge"}), run_id],
    )
    seed.took(run_id, 11)
    return run_id


def seed_limits(seed: Seeder, dsn: str) -> list[UUID]:
    """Five runs that want one of the three slots of `erp-eu`, and one that counts as a start of the rate `mail`; the five, in their order."""
    slots = FlowOptions(limits=(FlowLimit("concurrency", "erp-eu", 3),))
    runs = [seed.run("pending", queue="erp", delay_seconds=0, flow=slots) for _ in range(5)]
    seed.run("pending", queue="erp", delay_seconds=0, flow=FlowOptions(limits=(FlowLimit("rate", "mail", 10, 60),)))
    take(dsn, queues=("erp",))
    return runs


def seed_operations(seed: Seeder, dsn: str) -> dict[str, Any]:
    """One of each kind; ids by name."""
    failed = seed.failed_run()
    breaker(seed, PAY, "open")
    breaker(seed, "tools.shell.run", "half_open", workflow_name="order_fulfilment", successes=1)
    breaker(seed, "tools.http.request:erp.example", "closed", consecutive_failures=2)
    who = {"tenant_id": seed.tenant_id}
    facade.open_breaker(
        seed.connection,
        **who,
        resource_key="warehouse",
        seconds=1800,
        by="maria@acme.test",
        reason="moves to another data centre tonight",
    )
    letters = {"letter": letter(seed, run_id=failed), "unstarted": unstarted_letter(seed)}
    for reason in ("poison", "divergence", "internal", "storage"):
        letter(seed, reason, failed)
    seed.run("pending", queue="gpu", delay_seconds=0)
    seed.run("pending", queue="nobody-serves", delay_seconds=0)
    seed_limits(seed, dsn)
    change = facade.QueueChange(paused=True, reason="the cards are being replaced", draining=True, max_running=4)
    facade.change_queue(seed.connection, **who, name="gpu", change=change, by="maria@acme.test")
    facade.change_queue(
        seed.connection, **who, name="slow", change=facade.QueueChange(draining=True), by="maria@acme.test"
    )
    workers = {
        "online": worker(seed, "worker-1", queues=["default", "default:activities"]),
        "resting": worker(
            seed, "worker-2", queues=["gpu"], requested_state="paused", requested_reason="new cards", running=0
        ),
        "leaving": worker(seed, "worker-3", queues=["default", "gpu"], requested_state="draining", running=64),
        "gone": worker(seed, "worker-4", queues=["default"], alive=False, running=3),
    }
    return {"pay": PAY, "failed": failed, **letters, **workers}


def _insert(seed: Seeder, table: str, row: dict[str, Any]) -> None:
    names, holes = ", ".join(row), ", ".join(["%s"] * len(row))
    seed.connection.execute(f"INSERT INTO highway.{table} ({names}) VALUES ({holes})", list(row.values()))
