"""No query escapes: each is held to few rows, here or in test_plans.py, or is named with the reason why it need not be."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.db.queries import SQL_DIRECTORY, load
from tests.engine.test_plans import _ONE, _ROW, CASES, Case, assert_few_rows
from tests.support.databases import Database
from tests.support.history import History, shared_history
from tests.support.session import Session

OPEN_TASKS = 12_000  # in the history; the doctor looks at each of them and at what it waits for
_RUN: dict[str, Any] = {"workflow_run_id": "@sleeping", "by": "ann", "reason": "x"}
_RUNS = {"run_tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}
_KEY = {"key": "key7", "request_hash": "h", "keep_seconds": 60.0, "response_status": 200, "response": "{}"}
_DIGEST = 2 * hashlib.md5(b"1", usedforsecurity=False).hexdigest()  # of a value in the history
_BLOB = {
    "digests": [_DIGEST],
    "digest": _DIGEST,
    "sizes": [1],
    "contents": [b"x"],
    "run_ids": ["@running"],
    "workflow_run_id": "@running",
}
_START = {
    "inputs": "{}", "queue": "default", "priority": 0, "delay_seconds": 0, "tags": [], "attributes": "{}", "trigger": "api", "triggered_by": "",
    "definition_id": "@definition", "flow": "{}",
}  # fmt: skip
_EMBEDDED = {"model": "m", "digests": ["0" * 64]}
_PASSAGE = {"collection": "collection_1", "document_id": "d", "model": "m"}
_BREAKER = {"workflow_name": "", "resource_key": "resource7", "states": None, "after_key": "", "after_workflow": ""}
_TICKS = {
    "schedule_id": "@schedule",
    "ticks": ["2026-01-01T00:00:00Z"],
    "tick_at": "2026-01-01T00:00:00Z",
    "kind": "scheduled",
    "cap": 100,
}

MORE = [
    Case("commit.lock_with_families", _ONE | _RUNS),
    Case("commit.hand_out", {"tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}),
    Case("commit.close_waits", _ONE | {"keys": ["a"]}),
    Case("commit.lapse_waits", _ONE | {"keys": ["a"]}),
    Case("commit.answer_updates", _ONE | {"update_ids": [uuid4()], "results": ["1"]}),
    Case("commit.register_undo", _ROW | {"calls": ["{}"]}),
    Case("commit.pause", {"task_id": "@running", "epoch": 1, "reason": "x"}),
    Case("commit.continue_run", {"task_id": "@running", "epoch": 1, "inputs": "{}"}),
    Case("commit.ask_people", _ONE | {"keys": ["a"]}),
    Case("approval.newest", {"before": None}, ("web",)),
    Case("approval.newest_pending", {"before": None}, ("web",)),
    Case("approval.find", {"approval_id": uuid4(), "key": "key7"}, ("web",)),
    Case("approval.of_run", {"workflow_run_id": "@completed"}, ("web",)),
    Case("approval.read", {"approval_ids": [uuid4()]}, ("web",)),
    Case("approval.issue_token", {"digest": "d", "approval_id": uuid4(), "person": "ann", "names": []}, ("web",)),
    Case("approval.overdue", {}),
    Case("control.pause", _RUN, ("worker", "web")),
    Case("control.kill", _RUN, ("worker", "web")),
    Case("control.set_priority", _RUN | {"priority": 3}, ("web",)),
    Case("control.purge", {"workflow_run_id": "@completed"}, ("web",)),
    Case("control.hold", _RUN, ("web",)),
    Case("control.hold_families", {"tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}, ("web",)),
    Case("control.hold_for_restart", {"workflow_run_id": "@failed"}, ("web",)),
    Case("control.exhausted", _RUN, ("web",)),
    Case("control.tasks", _RUN, ("web",)),
    Case("control.history", _RUN, ("web",)),
    Case("control.all_variables", _RUN, ("web",)),
    Case("message.request_update", _RUN | {"name": "u", "payload": "1"}, ("web",)),
    Case("message.get_update", {"update_id": uuid4()}, ("web",)),
    Case("message.list_updates", _RUN, ("web",)),
    Case("message.list_undo", _RUN, ("web",)),
    Case("idempotency.begin", _KEY, ("web",)),
    Case("idempotency.find", _KEY, ("web",)),
    Case("idempotency.answer", _KEY, ("web",)),
    Case("passage.cached", _EMBEDDED),
    Case("passage.cache", _EMBEDDED | {"embeddings": ["{1}"], "keep_seconds": 60.0}),
    Case("passage.forget_embeddings", {"quantity": 1000}),
    Case("passage.index_document", _PASSAGE | {"metadata": "{}", "contents": ["x"], "embeddings": ["{1}"], "most": 10_000}),
    Case("passage.forget_document", _PASSAGE),
    Case("passage.nearest", _PASSAGE | {"embedding": "{1}", "least": 0.0, "quantity": 5}),  # all of one collection, which is bounded
    Case("admission.tenants", {"quantity": 1000}),
    Case("admission.admit", {"quantity": 500}),
    Case("service.forget_idempotency", {"quantity": 1000}),
    Case("run.submit", _START, ("web",)),
    Case("run.submit_many", _START | {"inputs": ["{}"]}, ("web",)),
    Case("flow.submit", _START, ("web",)),
    Case("flow.tenant_policy", {}, ("web",)),
    Case("counter.add", {"name": "n", "delta": 1}),
    Case("breaker.get", _BREAKER, ("web",)),
    Case("blob.put", _BLOB | {"tenant_ids": ["@tenant"]}),
    Case("blob.refer", _BLOB | {"tenant_ids": ["@tenant"]}),
    Case("blob.get", _BLOB | {"tenant_ids": ["@tenant"]}),
    Case("blob.of_run", _BLOB, ("web",)),
    Case("dead_letter.get", {"dead_letter_id": uuid4()}, ("web",)),
    Case("schedule.fired_among", _TICKS),
    Case("retention.schedules_after", {"after_tenant": UUID(int=0), "after_schedule": UUID(int=0), "quantity": 500}),
    Case("retention.forget_ticks", _TICKS | {"most": 100, "quantity": 1000}),
    Case(
        "retention.forget_limits",
        {"after_tenant": UUID(int=0), "after_kind": "", "after_key": "", "idle_seconds": 1.0, "quantity": 500},
    ),
    Case("schedule.count_ticks", _TICKS, ("web",)),
    Case("schedule.drop_waiting", _TICKS | {"reason": "x"}),
    Case("task.load_undo", {"tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}),
    Case("task.load_open_forks", {"tenant_ids": ["@tenant"], "run_ids": ["@sleeping"]}),
    Case("task.load_definition", {"definition_hash": "0" * 64}),
    Case("worker.heartbeat", {"running": 1, "draining": False, "lease_seconds": 30.0}),
    Case("doctor.stuck", {"grace_seconds": 30.0, "quantity": 50}, rows=6 * OPEN_TASKS),
]  # fmt: skip

# Not held to few rows, and why.
READS_EVERYTHING = {
    "doctor.inconsistent",
    "doctor.flow_problems",
    "invariants.answered_by_nothing",
    "invariants.foreign_rows",
    "invariants.homeless",
    "invariants.other_code",
    "repair.derive_status",
    "repair.drop_waits",
    "repair.drop_tickets",
    "service.count_what_has_grown",  # the catalog: a row for each table
}
SEARCHES = {
    "retention.preview",
    "breaker.list",
    "control.count",
    "dead_letter.count_matching",
    "dead_letter.measure",
    "schedule.summary",
}  # up to a cap, or of small tables
REFUSED_HERE = {
    "service.cancel_orphan",
    "control.resume",
    "control.give_up",
    "control.change_start",
    "approval.decide",
    "approval.decide_by_token",
    "approval.expire",
}  # the parts are held: hold, families, journal
BY_KEY = {  # one row of a small table, or a row by its whole key
    "approval.of_token", "approval.why_no_say",
    "fleet.forget", "fleet.limit", "fleet.list", "fleet.order",
    "artifact.store", "artifact.list", "artifact.get", "artifact.exists", "artifact.delete", "artifact.store_module", "artifact.list_modules",
    "artifact.delete_module", "artifact.of_run", "artifact.used_by_run",
    "container.gone_workers", "container.runs_over",
    "breaker.close", "breaker.open", "breaker.reset",
    "commit.hint", "counter.get", "counter.put", "control.restart", "control.fork", "dead_letter.hold", "dead_letter.purge",
    "dead_letter.requeued", "dead_letter.write", "doctor.take_turn", "doctor.write_down", "flow.change_limit", "flow.change_queue",
    "flow.put_tenant_policy", "repair.end_leftover", "repair.hold", "repair.hold_run", "repair.recount_join", "repair.wake", "retention.collect_blobs",
    "retention.get", "retention.put", "run.health", "run.keep", "run.register", "run.workers",
    "schedule.await_turn", "schedule.cancel_open", "schedule.change", "schedule.create", "schedule.decide", "schedule.fail_tick", "schedule.fire",
    "schedule.hold_by_name", "schedule.now", "schedule.pause", "schedule.postpone", "schedule.resume", "schedule.retire", "schedule.set_chain",
    "story.settle", "story.settled", "sweep.count_up", "sweep.pass_on", "sweep.take_turn",
    "variable.get", "worker.deregister", "worker.listen", "worker.now", "worker.register", "worker.take_lock",
}  # fmt: skip


@pytest.fixture(scope="module")
def past(postgres: Session) -> tuple[Database, History]:
    return shared_history(postgres)


@pytest.mark.parametrize(
    ("case", "role"), [pytest.param(case, role, id=f"{case.query}-{role}") for case in MORE for role in case.roles]
)
def test_these_read_few_rows_as_well(past: tuple[Database, History], case: Case, role: str) -> None:
    assert_few_rows(*past, case, role)


def test_every_query_is_held_or_excused() -> None:
    every = {
        f"{path.stem}.{name}" for path in (SQL_DIRECTORY / "queries").glob("*.sql") for name in load(path.stem).queries
    }
    held = {case.query for case in CASES + MORE}
    excused = READS_EVERYTHING | SEARCHES | REFUSED_HERE | BY_KEY
    assert every - held - excused == set(), "hold these to few rows, or say why they need not be"
    assert excused - every == set(), "there are no such queries any more"
    assert excused & held == set(), "held and excused"
