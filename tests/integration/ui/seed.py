"""Runs in every state, written straight into the engine's tables: pages are tested without waiting for things to happen.

Real runs on real workers are tested beside it; this is for what they reach rarely, or only after a long time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.model.json import JsonObject

STEP_SECONDS = 1.2


def definition(name: str = "order_fulfilment") -> JsonObject:
    """A definition with one of everything that is drawn in a way of its own."""
    body = [_task("print_label", dependencies=[]), _task("pack_item", dependencies=["print_label"])]
    again = [_task("poll", dependencies=[])]
    tasks: dict[str, Any] = {
        "validate_order": _task("validate_order"),
        "fraud_check": {
            "operator_type": "condition",
            "dependencies": ["validate_order"],
            "condition": "{{fraud_score}} > 0.8",
            "if_true": "manual_review",
            "if_false": None,
        },
        "manual_review": _task("manual_review", dependencies=["fraud_check"]),
        "prepare": {
            "operator_type": "parallel",
            "dependencies": ["fraud_check"],
            "branches": {"stock": ["reserve_stock"], "charge": ["charge_card"], "manifest": ["build_manifest"]},
            "branch_workflows": {
                "stock": {"tasks": {"reserve_stock": _task("reserve_stock")}},
                "charge": {"tasks": {"charge_card": _task("charge_card")}},
                "manifest": {"tasks": {"build_manifest": _task("build_manifest")}},
            },
        },
        "prepared": _task("prepared", "tools.workflow.wait_for_parallel_branches", ["prepare"]),
        "each_item": {
            "operator_type": "foreach",
            "dependencies": ["prepared"],
            "items": "{{order.items}}",
            "loop_body": body,
        },
        "tracking": {
            "operator_type": "while",
            "dependencies": ["each_item"],
            "condition": "{{parcel.state}} != 'sent'",
            "loop_body": again,
        },
        "cool_down": {"operator_type": "wait", "dependencies": ["tracking"], "wait_for": "PT30M"},
        "notify_customer": _task("notify_customer", "tools.http.request", ["cool_down"]),
    }
    for key, task in tasks.items():
        task["task_id"] = key
    return {"name": name, "version": "2.0.0", "tasks": tasks, "variables": {}}


def _task(key: str, function: str = "tools.shell.run", dependencies: list[str] | None = None) -> dict[str, Any]:
    return {"task_id": key, "operator_type": "task", "function": function, "dependencies": dependencies or []}


class Seeder:
    """Writes runs of one tenant as the worker's role would, each a little older than the one before."""

    def __init__(self, connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
        self.connection = connection
        self.tenant_id = tenant_id

    def run(self, status: str = "completed", *, name: str = "order_fulfilment", **more: Any) -> UUID:
        """A run with an empty story in the given state (the engine's word)."""
        ref = facade.register(self.connection, tenant_id=self.tenant_id, definition=definition(name))
        options: dict[str, Any] = {
            "inputs": {"order": {"id": "88-10423", "items": [1, 2, 3]}},
            "triggered_by": "maria@acme.test",
            "delay_seconds": 3600,  # no worker may take it before it has the state that it is to have
        }
        made = facade.submit(
            self.connection, tenant_id=self.tenant_id, definition_id=ref.definition_id, **(options | more)
        )
        self.set_state(made.workflow_run_id, status)
        return made.workflow_run_id

    def set_state(self, run_id: UUID, status: str, error: JsonObject | None = None) -> None:
        """Move the run's own task; the run follows by trigger."""
        over = status in {"completed", "failed", "cancelled"}
        if status == "running":
            self._claim(run_id)
            return
        if over:
            self._claim(run_id)
        self.connection.execute(
            "UPDATE highway.task SET state = %s, claimed_by = NULL, error = %s, finished_at = %s, result = '{}' "
            "WHERE tenant_id = %s AND task_id = %s",
            [status, json.dumps(error) if error else None, _later(9) if over else None, self.tenant_id, run_id],
        )

    def took(self, run_id: UUID, seconds: float | None) -> None:
        """When the run began and, if it did, ended."""
        self.connection.execute(
            "UPDATE highway.workflow_run SET created_at = %s, started_at = %s, finished_at = %s "
            "WHERE tenant_id = %s AND workflow_run_id = %s",
            [_later(0), _later(0), _later(seconds) if seconds else None, self.tenant_id, run_id],
        )

    def _claim(self, run_id: UUID) -> None:
        self.connection.execute(
            "UPDATE highway.task SET state = 'running', claimed_by = %s WHERE tenant_id = %s AND task_id = %s",
            [run_id, self.tenant_id, run_id],
        )

    def step(self, run_id: UUID, key: str, outcome: str = "succeeded", *, at: float = 0, **columns: Any) -> None:
        """A finished step that began ``at`` seconds after the start."""
        seconds = columns.pop("seconds", STEP_SECONDS)
        row = {
            "tenant_id": self.tenant_id,
            "workflow_run_id": run_id,
            "scope": "",
            "step_key": key,
            "operator": "task",
            "outcome": outcome,
            "started_at": _later(at),
            "finished_at": _later(at + seconds),
            "result": {"stdout": f"{key} done\n", "stderr": "", "returncode": 0} if outcome == "succeeded" else None,
            "input": {"args": [f"echo {key}"], "kwargs": {}},
        } | columns
        self._insert("checkpoint", row)

    def entry(self, run_id: UUID, kind: str, *, at: float = 0, scope: str = "", key: str = "", **data: Any) -> None:
        """An entry of the journal."""
        self._insert(
            "journal",
            {
                "tenant_id": self.tenant_id,
                "workflow_run_id": run_id,
                "at": _later(at),
                "kind": kind,
                "scope": scope,
                "step_key": key,
                "data": data,
            },
        )

    def wait(self, run_id: UUID, key: str, kind: str, **columns: Any) -> None:
        """An open wait of the run's own task."""
        row = {
            "tenant_id": self.tenant_id,
            "task_id": run_id,
            "step_key": key,
            "workflow_run_id": run_id,
            "kind": kind,
        }
        self._insert("wait", row | columns)

    def failed_run(self) -> UUID:
        """A run that failed at its fifth attempt inside a branch, after a condition and two finished branches."""
        run_id = self.run("running")
        error = {
            "kind": "tool",
            "type": "HTTPError",
            "message": "503 Service Unavailable from https://pay.example/v2/charges",
            "retryable": True,
        }
        self.begin(run_id)
        self.step(run_id, "reserve_stock", scope="prepare.stock", at=1.6, seconds=2.6)
        for attempt in range(1, 5):
            self.entry(
                run_id,
                "attempt_failed",
                at=1.6 + attempt,
                scope="prepare.charge",
                key="charge_card",
                attempt=attempt,
                error=error,
            )
        self.step(run_id, "charge_card", "failed", scope="prepare.charge", at=1.6, seconds=6.5, attempt=5, error=error)
        self.step(run_id, "build_manifest", scope="prepare.manifest", at=1.6)
        self.step(run_id, "prepared", "failed", at=1.5, seconds=6.8, error={**error, "kind": "branch"})
        for key in ("each_item", "tracking", "cool_down", "notify_customer"):
            self.step(run_id, key, "skipped", at=8.3, seconds=0, reason="upstream_failed")
        for number in range(1, 41):
            level = "error" if number == 40 else "info"
            self.entry(
                run_id, "log", at=number / 5, key="validate_order", level=level, message=f"line {number} of the story"
            )
        self.set_state(run_id, "failed", {**error, "step": "charge_card", "scope": "prepare.charge"})
        self.took(run_id, 8.3)
        return run_id

    def begin(self, run_id: UUID) -> None:
        """What every run of the definition does first."""
        self.step(run_id, "validate_order")
        self.step(run_id, "fraud_check", at=1.2, seconds=0.1, operator="condition", result={"value": False})
        self.step(run_id, "manual_review", "skipped", at=1.3, seconds=0, reason="branch_not_taken")
        self.step(run_id, "prepare", at=1.4, seconds=0.05, operator="parallel", result={"fork": "prepare"})

    def finish_branches(self, run_id: UUID) -> None:
        """All three branches, and the step that waits for them."""
        for at, (branch, key) in enumerate(
            [("stock", "reserve_stock"), ("charge", "charge_card"), ("manifest", "build_manifest")]
        ):
            self.step(run_id, key, scope=f"prepare.{branch}", at=1.6 + at / 3, seconds=2 + at)
        self.step(run_id, "prepared", at=1.5, seconds=5)

    def full_run(self) -> UUID:
        """A run that did everything, with three rounds in each loop and half an hour's sleep."""
        run_id = self.run("running")
        self.begin(run_id)
        self.finish_branches(run_id)
        for index in range(3):
            self.step(run_id, f"each_item[{index}]/print_label", at=7 + index, seconds=0.4)
            self.step(run_id, f"each_item[{index}]/pack_item", at=7.4 + index, seconds=0.5)
            self.step(run_id, f"tracking[{index}]/poll", at=11 + index, seconds=0.8)
        self.step(run_id, "each_item", at=7, seconds=3, operator="foreach", result={"count": 3})
        self.step(run_id, "tracking", at=11, seconds=3, operator="while", result={"iterations": 3})
        self.step(run_id, "cool_down", at=14, seconds=1800, operator="wait")
        self.step(run_id, "notify_customer", at=1814)
        self.set_state(run_id, "completed")
        self.took(run_id, 1815.2)
        return run_id

    def sleeping_run(self) -> UUID:
        """A run in the middle: branches done, loops done, asleep."""
        run_id = self.run("running")
        self.begin(run_id)
        self.finish_branches(run_id)
        self.step(run_id, "each_item[0]/print_label", at=7, seconds=0.4)
        self.step(run_id, "each_item[0]/pack_item", at=7.4, seconds=0.5)
        self.step(run_id, "each_item", at=7, seconds=3, operator="foreach", result={"count": 1})
        self.step(run_id, "tracking", at=11, seconds=3, operator="while", result={"iterations": 0})
        self.wait(run_id, "cool_down", "timer", due_at=_later(7200))
        self.connection.execute(
            "UPDATE highway.task SET state = 'sleeping', attempt = 1, claimed_by = NULL, available_at = %s WHERE tenant_id = %s AND task_id = %s",
            [_later(7200), self.tenant_id, run_id],
        )
        return run_id

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        values = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        self.connection.execute(f"INSERT INTO highway.{table} ({names}) VALUES ({marks})", values)


def _later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


START = datetime.now(UTC) - timedelta(minutes=5)
