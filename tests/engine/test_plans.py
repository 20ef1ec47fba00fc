"""Every hot query, executed for real and planned for a million runs, reads a few rows through indexes, also under a generic plan.

What was read is taken from the server's statistics of the transaction, so that functions and triggers are counted with their callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.db.connection import connect
from engine.db.queries import load
from tests.support.databases import Database
from tests.support.history import History, shared_history
from tests.support.session import Session

ROWS = 2_600  # enough for a page, a batch, or all running tasks of a worker; far from a table
_READ = """
    SELECT relname, seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
     WHERE schemaname = 'highway' AND relname <> ALL (ARRAY['worker', 'health', 'workflow_definition', 'queue_policy', 'slot_mark'])
"""
_ONE: dict[str, Any] = {"tenant_ids": ["@tenant"], "task_ids": ["@running"], "run_ids": ["@running"], "epochs": [1]}
_ROW: dict[str, Any] = _ONE | {"scopes": [""], "keys": ["k"]}
_STOP = {"run_id": "@sleeping", "workflow_run_id": "@sleeping", "reason": "x", "outcome": "cancelled"}
_CONTROL = {"workflow_run_id": "@sleeping", "by": "", "reason": "", "step_inputs": "{}"}
_TELL = {"workflow_run_id": "@sleeping", "name": "go", "payload": "1", "by": ""}
_FORK = {"new_ids": [str(uuid4())], "kinds": ["branch"], "paths": ["[]"], "contexts": ["{}"], "variables": ["{}"]}
_ACT = _ONE | {"task_ids": ["@activity"]}
_BOTH = ("worker", "web")
_ANY: dict[str, Any] = {"worker_id": None, "after": None}
_WAIT = {"kinds": ["tasks"], "awaited": ['["a", "b"]'], "attempts": [0], "requests": ["{}"]}
_SCHEDULE = {"schedule_id": "@schedule"}
_CALL = {
    "workflows": [""],
    "resources": ["r"],
    "outcomes": ["failed"],
    "failure_thresholds": [1],
    "success_thresholds": [1],
    "isolations": [1.0],
}
_NONE = (
    "plans",
    "silent",
    "details",
    "reasons",
    "inputs",
    "errors",
    "untils",
    "event_names",
    "needed",
    "completion_events",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A query with values; "@tenant", "@worker" and "@<state>" stand for the ids in the history."""

    query: str
    values: dict[str, Any]
    roles: tuple[str, ...] = ("worker",)
    rows: int = ROWS


def _seen(query: str, **values: Any) -> Case:
    return Case(f"run.{query}", {"workflow_run_id": "@running"} | values, ("worker", "web"))


CASES = [
    Case("task.claim", {"quantity": 100, "queues": ["default"], "from_tenant": UUID(int=0), "credit": 0}),
    Case("task.wake_due", {"quantity": 500, "served": ["default"]}),
    Case("task.grant_slots", {"quantity": 100}),
    Case("commit.pass_steps", _ROW | {"uses": ['[{"kind": "concurrency", "key": "k", "limit": 1}]'], "in_line": [False]}),
    Case("commit.free_slots", _ROW),
    Case("flow.check_admission", {"queue": "default"}, ("web",)),
    Case("flow.queues", {"cap": 1000}, ("web",)),
    Case("flow.limits", {"after_kind": "", "after_key": ""}, ("web",)),
    Case("flow.slots", {"keys": ["k"]}, ("web",)),
    Case("run.why_waiting", {"workflow_run_id": "@pending"}, ("worker", "web")),
    Case("run.why_waiting", {"workflow_run_id": "@sleeping"}, ("worker", "web")),
    Case("task.load_checkpoints", _ROW),
    Case("task.load_variables", _ROW),
    Case("task.load_waits", _ONE | {"task_ids": ["@sleeping"]}),
    Case("commit.lock", _ONE),
    Case("commit.lock_with_runs", _ONE | {"run_tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}),
    Case("commit.record", _ROW | {"operators": ["task"], "outcomes": ["succeeded"], "attempts": [1], "results": ["1"],
                                  "waited": [True], "seconds": [0.1]}),
    Case("commit.set_variables", _ROW | {"names": ["a"], "values": ["1"]}),
    Case("commit.set_waits", _ROW | _WAIT | {"seconds": [None]}),
    Case("commit.end_waits", _ROW),
    Case("commit.write_journal", _ROW | {"kinds": ["log"], "data": ["{}"]}),
    Case("commit.fork", _ROW | _FORK),
    Case("commit.start_children", _ROW | {"keys": ["c"], "names": ["flow_3"], "inputs": ["{}"]}),
    Case("commit.emit", _ROW | {"names": ["go"], "payloads": ["1"], "emitters": [""]}),
    Case("commit.cancel_branches", {"task_id": "@running", "epoch": 1, "keys": ["f.a"]}),
    Case("commit.progress", _ONE),
    Case("commit.suspend", _ONE),
    Case("commit.hand_back", _ONE | {"seconds": [0.0]}),
    Case("commit.finish", _ONE | {"states": ["failed"], "results": [None]}),
    Case("worker.show_running", _ONE | {"steps": ["[]"]}),
    Case("worker.claims", {}),
    Case("worker.bury_dead", {"worker_id": uuid4()}),
    Case("worker.rescue", {"quantity": 500}),
    Case("worker.let_go", _ONE),
    Case("service.expired_runs", {"quantity": 100}),
    Case("service.orphans", {"quantity": 100}),
    Case("service.cancel", _STOP),
    Case("schedule.take_due", {}),
    Case("schedule.take_waiting", {"after_tenant": UUID(int=0), "after_schedule": UUID(int=0)}),
    Case("schedule.take_unchecked", {"every_seconds": 0.0, "quantity": 100}),
    Case("schedule.hold", _SCHEDULE),
    Case("schedule.busy", _SCHEDULE),
    Case("schedule.first_waiting", _SCHEDULE),
    Case("schedule.failures_in_a_row", _SCHEDULE | {"quantity": 5}),
    Case("schedule.get", _SCHEDULE, ("worker", "web")),
    Case("schedule.list", {"after_name": ""}, ("worker", "web")),
    Case("schedule.history", _SCHEDULE, ("worker", "web")),
    Case("doctor.schedules", {"grace_seconds": 30.0}),
    Case("service.measure", {}),
    Case("commit.lock_with_families", _ONE | {"run_tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}),
    Case("commit.pause", {"task_id": "@running", "epoch": 1, "reason": "x"}),
    Case("control.pause", _CONTROL, ("worker", "web")),
    Case("control.kill", _CONTROL | {"workflow_run_id": "@running"}, ("worker", "web")),
    Case("control.set_priority", _CONTROL | {"priority": 1}, ("worker", "web")),
    Case("control.hold_for_restart", {"workflow_run_id": "@failed"}, ("worker", "web")),
    Case("activity.load", _ACT),
    Case("activity.beat", _ACT | {"attempts": [1], "running": [1.0], "silent": [0.5], "own": [True]}),
    Case("activity.time_out", {"grace_seconds": 0.0}),
    Case("activity.settle_limits", {}),
    Case("activity.overdue", {}),
    Case("activity.expire", {"task_id": "@activity"}),
    Case("activity.forget_old_heartbeats", {"keep_seconds": 60.0}),
    Case("activity.cancel", {"task_id": "@activity", "reason": "x"}, _BOTH),
    Case("activity.list", _ANY, _BOTH),
    Case("activity.list", _ANY | {"states": ["running"], "silent_for": 60.0}, _BOTH),
    Case("activity.list", _ANY | {"task_id": "@activity", "quantity": 1}, _BOTH),
    Case("activity.list", _ANY | {"workflow_run_id": "@running"}, _BOTH),
    Case("activity.count_by_state", {"cap": 500}, _BOTH),
    Case("activity.heartbeats", {"task_id": "@activity"}, _BOTH),
    Case("activity.logs", {"workflow_run_id": "@running", "scopes": ["work"]}, _BOTH),
    Case("activity.forget_heartbeats", {"keep_seconds": 60.0}, _BOTH),
    Case("run.cancel", _STOP, ("worker", "web")),
    Case("run.emit_event", _TELL, ("worker", "web")),
    Case("run.send_signal", _TELL, ("worker", "web")),
    _seen("get"),
    _seen("list"),
    _seen("list", statuses=["running", "failed"]),
    _seen("list", statuses=["pending"]),
    _seen("list", statuses=["cancelled"]),  # there are none: all the others would be read, if they were taken one by one
    _seen("list", statuses=["cancelled"], created_from="2020-01-01T00:00:00Z"),
    _seen("list", text="%nothing%", walk=500),
    _seen("names_like", text="%flow%"),
    _seen("list", names=["flow_3"]),
    _seen("list", created_from="2020-01-01T00:00:00Z"),
    _seen("list", created_to="2020-01-01T00:00:00Z"),
    _seen("count_by_status", cap=1000),
    _seen("count_by_status", cap=1000, created_from="2100-01-01T00:00:00Z"),
    _seen("count_by_status", cap=1000, created_from="2020-01-01T00:00:00Z"),
    _seen("count_newer", after="@running"),
    _seen("tags", run_ids=["@running"]),
    _seen("checkpoints"),
    _seen("tasks"),
    _seen("waits"),
    _seen("journal"),
    _seen("events"),
    _seen("signals"),
    _seen("variables", scope=""),
    _seen("family"),
    _seen("story"),
    _seen("list_workflows", after_name=""),
    _seen("find_definition", name="flow_3"),
    _seen("meant_definition", definition_id=None, definition_hash=None, name="flow_3", version=None),
    _seen("meant_definition", definition_id=None, definition_hash="0" * 64, name=None, version=None),
    Case("commit.count_calls", _ROW | _CALL),
    Case("commit.change_locks", _ROW | {"names": ["door"], "changes": ["released"]}),
    Case("commit.queue_for_locks", _ROW | {"names": ["door"]}),
    Case("commit.set_attributes", _ROW | {"changes": ['{"a": 1}']}),
    Case("breaker.admit", {"workflow_name": "", "resource_key": "r", "run_id": "@running", "scope": "", "task_id": "@running", "epoch": 1,
                           "step_key": "k"}),
    Case("lock.wake_first", {"quantity": 200}),
    Case("lock.of_run", {"workflow_run_id": "@running"}, ("worker", "web")),
    Case("dead_letter.list", {"reasons": None}, ("worker", "web")),
    Case("dead_letter.purge_matching", {"reasons": None}, ("worker", "web")),
    Case("retention.tenants_after", {"after_tenant": UUID(int=0)}),
    Case("retention.forget_old_runs", {}),
    Case("retention.forget_runs", {"run_ids": ["@completed"]}),
    Case("search.set_attributes", {"workflow_run_id": "@running", "changes": '{"a": 1}'}, ("worker", "web")),
    Case("search.list_marked", {"names": ["customer", "#"], "values": ["42", "eu"]}, ("worker", "web")),
    Case("search.list_marked", {"names": ["#"], "values": ["eu"]}, ("worker", "web")),
    Case("task_view.list", {}, ("worker", "web")),
    Case("task_view.list_in", {"states": ["failed"]}, ("web",)),
    Case("task_view.list_in", {"states": ["paused", "pending", "running"], "queues": ["default"]}, ("web",)),
    Case("task_view.count", {"states": ["completed", "pending"], "cap": 1000}, ("web",)),
    Case("task_view.count", {"states": ["completed", "failed"], "cap": 1000, "created_from": "2100-01-01T00:00:00Z"}, ("web",)),
    Case("task_view.oldest", {"queues": ["default", "other"]}, ("web",)),
    Case("task_view.get", {"task_id": "@running"}, ("web",)),
    Case("task_view.active", {"minutes": 5}, ("web",)),
    Case("task_view.troubles", {"quantity": 500}, ("web",)),
    Case("statistics.runs", {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "quantity": 1000}, ("web",)),
    Case("statistics.runs", {"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z", "quantity": 1000}, ("web",)),
    Case("statistics.by_workflow", {"since": "2020-01-01T00:00:00Z", "name": "flow_3", "quantity": 1000}, ("web",)),
    Case("statistics.story_sizes", {"run_ids": ["@running", "@sleeping"], "cap": 1000}, ("web",)),
    Case("statistics.timeline", {"since": "2020-01-01T00:00:00Z", "walk": 50, "quantity": 100}, ("web",)),
    Case("statistics.timeline", {"since": "2020-01-01T00:00:00Z", "walk": 50, "run_id": "@running", "quantity": 100}, ("web",)),
    Case("step_log.lines", {"workflow_run_id": "@running", "step": "k"}, ("web",)),
    Case("step_log.story", {"workflow_run_id": "@running", "scope": "", "step_key": "k"}, ("web",)),
    Case("idempotency.forget", {"key": "k"}, ("web",)),
    Case("idempotency.forget_all", {"quantity": 1000}, ("web",)),
]  # fmt: skip
# Searches for patterns of names, and for text without a bound, read until a page is full: nothing but that index serves a substring.


@pytest.fixture(scope="module")
def past(postgres: Session) -> tuple[Database, History]:
    return shared_history(postgres)


@pytest.mark.parametrize(
    ("case", "role"),
    [pytest.param(case, role, id=f"{case.query}-{role}-{n}") for n, case in enumerate(CASES) for role in case.roles],
)
def test_a_hot_query_reads_few_rows_and_no_table(past: tuple[Database, History], case: Case, role: str) -> None:
    assert_few_rows(*past, case, role)


def assert_few_rows(database: Database, history: History, case: Case, role: str) -> None:
    """Execute the query for real, under a generic plan, and look at what was read."""
    file, name = case.query.split(".")
    query = load(file).queries[name]
    ids = {"@tenant": history.tenant, "@worker": history.worker}
    ids |= {f"@{state}": run for state, run in history.runs.items()} | {
        "@schedule": history.schedule,
        "@definition": history.definition,
    }
    defaults: dict[str, Any] = {"tenant_id": "@tenant", "worker_id": "@worker", "quantity": 50, "after": 0}
    defaults |= {name: [None] for name in _NONE}
    values = {name: _with_ids((defaults | case.values).get(name), ids) for name in query.parameters}
    with connect(getattr(database, role)) as connection, connection.transaction(force_rollback=True):
        if not query.replanned:
            connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(history.tenant)])
        query.run(connection, **values)
        read = {table: (scans, rows) for table, scans, rows in connection.execute(_READ)}
    assert {table for table, (scans, _) in read.items() if scans} == set(), "read from one end to the other"
    assert sum(rows for _, rows in read.values()) <= case.rows


def _with_ids(value: Any, ids: dict[str, UUID]) -> Any:
    if isinstance(value, list):
        return [_with_ids(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value
