"""What the engine gives up on is a letter, in the transaction that gives up; a person requeues or purges it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotFoundError, StateError
from engine.model.json import JsonObject
from engine.model.upkeep import LetterFilter
from engine.orchestrator.entry import MAX_RESCUES
from engine.queue.writes import Finished, TaskWrites
from tests.engine.definitions import op, task, workflow
from tests.support.databases import Database
from tests.support.guards import letters
from tests.support.runs import fork, scalar, start, take, write
from tests.support.workers import Workers


def _error(kind: str, name: str = "") -> JsonObject:
    return {"kind": kind, "type": name, "message": "no", "retryable": False, "step": "only", "scope": ""}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_error("poison"), "poison"),
        (_error("divergence", "Divergence"), "divergence"),
        (_error("internal", "UnreadableDefinitionError"), "definition"),
        (_error("internal", "StorageError"), "storage"),
        (_error("internal"), "internal"),
        (_error("tool"), None),
        (_error("branch"), None),
    ],
)
def test_what_the_engine_gave_up_on_is_a_letter_and_a_failed_step_is_none(
    module_database: Database, tenant: UUID, error: JsonObject, reason: str | None
) -> None:
    with connect(module_database.worker) as connection:
        run = start(connection, tenant, queue=str(tenant))
        (one,) = take(module_database.worker, queues=(str(tenant),))
        write(module_database.worker, TaskWrites(one, exit=Finished("failed", error=error)))
        found = letters(connection, tenant)
        assert [letter.reason for letter in found] == ([reason] if reason else [])
        if reason:
            same = "SELECT l.xmin::text = t.xmin::text FROM highway.dead_letter l JOIN highway.task t USING (task_id) WHERE task_id = %s"
            assert scalar(connection, same, run), "the letter and the end are one transaction"


def test_a_failed_activity_is_a_letter_whatever_became_of_its_run(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        start(connection, tenant, queue=str(tenant))
        (root,) = take(module_database.worker, queues=(str(tenant),))
        write(module_database.worker, fork(root, "act", kind="activity"))
        (activity,) = take(module_database.worker, queues=(f"{tenant}:activities",))
        write(module_database.worker, TaskWrites(activity, exit=Finished("failed", error=_error("tool"))))
        (letter,) = letters(connection, tenant)
        assert (letter.reason, letter.scope) == ("activity", "act")
        with pytest.raises(StateError, match="still running"):
            facade.requeue_dead_letter(connection, tenant_id=tenant, dead_letter_id=letter.dead_letter_id)
        assert letters(connection, tenant, is_open=True) != []


def test_a_letter_is_requeued_once_however_often_it_is_asked_for(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        run = start(connection, tenant, queue=str(tenant), inputs={"a": 1})
        (one,) = take(module_database.worker, queues=(str(tenant),))
        write(module_database.worker, TaskWrites(one, exit=Finished("failed", error=_error("poison"))))
        (letter,) = letters(connection, tenant)
        which = {"tenant_id": tenant, "dead_letter_id": letter.dead_letter_id}
        again = facade.requeue_dead_letter(connection, **which, by="ann")
        assert facade.requeue_dead_letter(connection, **which, by="bob") == again
        new = facade.get_run(connection, tenant_id=tenant, workflow_run_id=again)
        assert (new.retry_of, new.inputs, new.triggered_by) == (run, {"a": 1}, "ann")
        assert letters(connection, tenant, is_open=True) == []


def test_a_letter_about_what_was_never_started_starts_it(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        run = start(connection, tenant)
        definition = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).definition_id
        request: JsonObject = {"definition_id": str(definition), "inputs": {"n": 2}}
        letter = facade.write_dead_letter(
            connection, tenant_id=tenant, reason="schedule", error=_error("input"), request=request
        )
        started = facade.requeue_dead_letter(connection, tenant_id=tenant, dead_letter_id=letter)
        assert facade.get_run(connection, tenant_id=tenant, workflow_run_id=started).inputs == {"n": 2}


def test_letters_are_purged_one_or_many_and_their_runs_stay(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        run = start(connection, tenant)
        which = {"tenant_id": tenant, "error": _error("x"), "request": {}}
        one = facade.write_dead_letter(connection, reason="schedule", **which)
        for reason in ("schedule", "activity", "activity"):
            facade.write_dead_letter(connection, reason=reason, **which)
        facade.purge_dead_letter(connection, tenant_id=tenant, dead_letter_id=one)
        with pytest.raises(NotFoundError):
            facade.purge_dead_letter(connection, tenant_id=tenant, dead_letter_id=one)
        chosen = LetterFilter(reasons=("activity",))
        assert facade.count_dead_letters(connection, tenant_id=tenant, chosen=chosen) == 2
        assert facade.purge_dead_letters(connection, tenant_id=tenant, chosen=chosen) == 2
        assert [letter.reason for letter in letters(connection, tenant)] == ["schedule"]
        assert facade.get_run(connection, tenant_id=tenant, workflow_run_id=run)


def test_letters_of_others_do_not_exist(module_database: Database, tenant: UUID, other_tenant: UUID) -> None:
    with connect(module_database.worker) as connection:
        letter = facade.write_dead_letter(
            connection, tenant_id=tenant, reason="schedule", error=_error("x"), request={}
        )
    with connect(module_database.web) as web:
        for act in (facade.get_dead_letter, facade.requeue_dead_letter, facade.purge_dead_letter):
            for dead_letter_id in (letter, uuid4()):
                with pytest.raises(NotFoundError):
                    act(web, tenant_id=other_tenant, dead_letter_id=dead_letter_id)
        assert letters(web, tenant) != []


def test_a_poisoned_task_and_an_exhausted_activity_leave_letters_with_real_workers(workers: Workers) -> None:
    activity = workflow(
        op(
            "activity",
            "act",
            function="tools.shell.run",
            args=["exit 3"],
            retry_policy={"max_retries": 1, "delay": 0.05},
        ),
        op("wait_for_event", "hear", "act", event_name="{{act.completion_event}}", timeout_seconds=30),
        name="with_activity",
    )
    plain = workflow(task("say", function="tools.log.info", args=["x"]))
    exhausted, poisoned = workers.submit(activity), workers.submit(plain)
    with connect(workers.database.worker) as connection:
        connection.execute("UPDATE highway.task SET rescues = %s WHERE task_id = %s", [MAX_RESCUES + 1, poisoned])
    workers.start()
    workers.finish(exhausted)
    assert workers.finish(poisoned).status == "failed"
    with connect(workers.database.web) as connection:
        found = {letter.workflow_run_id: letter.reason for letter in letters(connection, workers.tenant)}
    assert found == {exhausted: "activity", poisoned: "poison"}
