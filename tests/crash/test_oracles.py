"""Oracles that cannot fail prove nothing: each is shown a database in which its invariant is broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.kit.fault_points import FaultPoint
from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage
from tests.crash.faults import Fault, note
from tests.crash.plans import Plan
from tests.crash.rounds import TICKS, Round
from tests.crash.together import together
from tests.crash.workload import everything, saga

BREAK = {
    oracles.i07_timers_are_not_early: "UPDATE crash.timer SET due_at = due_at + interval '1 hour' WHERE kind = 'timer' RETURNING 1",
    oracles.i08_terminal_is_terminal: (
        "INSERT INTO crash.task_change (task_id, old_state, new_state) VALUES (gen_random_uuid(), 'completed', 'running') RETURNING 1"
    ),
    oracles.i09_the_last_thing_done_is_undone_first: (
        "UPDATE highway.compensation SET seq = -seq WHERE workflow_run_id IN "
        "(SELECT workflow_run_id FROM highway.workflow_run WHERE status = 'compensated') RETURNING 1"
    ),
    oracles.i10_late_writers_wrote_nothing: (
        "UPDATE highway.checkpoint SET worker_id = gen_random_uuid() WHERE step_key = 'end' RETURNING 1"
    ),
    oracles.i11_tenants_are_apart: "UPDATE highway.checkpoint SET tenant_id = gen_random_uuid() WHERE step_key = 'start' RETURNING 1",
    oracles.i15_status_is_derived: "UPDATE highway.workflow_run SET status = 'failed' WHERE parent_run_id IS NULL RETURNING 1",
    oracles.i05_nothing_is_stuck: "UPDATE highway.workflow_run SET status = 'running' WHERE parent_run_id IS NULL RETURNING 1",
    oracles.i16_code_is_the_same: "UPDATE highway.workflow_run SET definition_hash = repeat('0', 64) RETURNING 1",
    oracles.i18_answers_have_effects: (
        "INSERT INTO highway.idempotency (tenant_id, key, request_hash, expires_at) "
        "VALUES (gen_random_uuid(), 'k', 'h', now()) RETURNING 1"
    ),
}


@pytest.fixture(scope="module")
def done(stage: Stage) -> Iterator[Arena]:
    """One run of the workflow that uses everything, and one that was undone."""
    with stage.arena() as arena:
        worker = arena.worker()
        runs = arena.submit(everything(arena.effects.url))
        undone = arena.submit(saga(arena.effects.url))
        arena.until(lambda: arena.open_runs() == 0, 60, "the runs")
        worker.kill()
        assert oracles.completed_rightly(arena, saga(arena.effects.url), undone) == []
        assert oracles.completed_rightly(arena, everything(arena.effects.url), runs) == []
        assert oracles.everywhere(arena) == []
        arena.runs = runs  # type: ignore[attr-defined]
        yield arena


@pytest.mark.parametrize("oracle", BREAK, ids=lambda oracle: oracle.__name__)
def test_it_sees_a_broken_invariant(oracle: oracles.Oracle, done: Arena) -> None:
    before = oracle(done)
    assert done.query(BREAK[oracle])
    assert set(oracle(done)) - set(before)


def test_counters_effects_children_and_the_ledger_are_counted(done: Arena) -> None:
    workload, runs = everything(done.effects.url), done.runs  # type: ignore[attr-defined]
    done.query("UPDATE highway.workflow_run SET status = 'completed' WHERE parent_run_id IS NULL RETURNING 1")
    done.query("UPDATE highway.counter SET value = 2 WHERE name LIKE '%%/end' RETURNING 1")
    assert len(oracles.i01_each_counter_reads_one(done, workload, runs)) == 1
    done.effects.keys[f"/effect/{runs[0]}"].append("another key")
    assert len(oracles.i02_effects_have_one_key(done, workload, runs)) == 1
    done.query("UPDATE highway.task SET key = 'one_more' WHERE key = 'fork.emitter' RETURNING 1")
    assert oracles.i04_tasks_are_as_declared(done, workload, runs)
    note(done.folder / "ledger", '{"do": "submit", "key": "k", "run": "00000000-0000-0000-0000-000000000000"}')
    assert len(oracles.i03_accepted_is_ended(done)) == 1


def test_a_trail_that_was_changed_or_lacks_a_refusal_is_seen() -> None:
    before = {"1": "r1 access.refused nobody", "2": "r2 access.refused nobody"}
    assert oracles.i13_the_trail_only_grows(before, before | {"3": "r3 access.refused eve"}, ["r1", "r3"]) == []
    assert len(oracles.i13_the_trail_only_grows(before, {"1": "r1 access.refused eve", "2": before["2"]}, [])) == 1
    assert len(oracles.i13_the_trail_only_grows(before, {"1": before["1"]}, ["r2"])) == 2
    assert len(oracles.i13_the_trail_only_grows({}, before, ["r3"])) == 1
    assert len(oracles.i13_the_trail_only_grows({}, before | {"3": "r1 access.refused nobody"}, ["r1"])) == 1


def test_an_inbox_and_ticks_that_are_not_as_they_were_sent_are_seen(stage: Stage) -> None:
    nobody = (Fault(FaultPoint.CLAIM_BEFORE, "kill", 10_000),) * 2
    with stage.arena() as arena:
        played = Round(arena, Plan(1, nobody))
        assert together([played], at_once=1) == []
        ((inbox,),) = arena.query("SELECT workflow_run_id FROM highway.workflow_run WHERE name = 'crash_inbox'")
        assert arena.query(
            "UPDATE highway.checkpoint SET result = '{\"payload\": 2}' WHERE step_key = 'one' RETURNING 1"
        )
        assert len(oracles.i06_messages_are_taken_once(arena, inbox)) == 1
        arena.query("DELETE FROM highway.schedule_tick RETURNING 1")
        assert len(oracles.i14_ticks_are_fired_once(arena, played.queue, TICKS)) == 2
