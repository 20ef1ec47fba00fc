"""People decide whether a run goes on: once, by quorum, in stages, in time, and only while the step waits for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import NotAllowedError, NotFoundError, StateError
from engine.facade.approvals import approval_of_token, decide_by_token, issue_token
from engine.model.json import JsonObject
from engine.services.approvals import expire_approvals
from tests.support.approving import again, asked, asking, decide, question
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import scalar, start, take, write
from tests.support.workers import Workers


def _asks(**kwargs: Any) -> JsonObject:
    ask = {"task_id": "ask", "operator_type": "task", "function": "tools.approval.request", "kwargs": kwargs}
    after = {
        "task_id": "after",
        "operator_type": "task",
        "function": "tools.log.info",
        "args": ["{{ask.status}} by {{ask.approver}}"],
        "dependencies": ["ask"],
    }
    return {"name": "asks", "version": "1", "start_task": "ask", "tasks": {"ask": ask, "after": after}}


def _question(workers: Workers, run_id: UUID) -> Any:
    workers.wait(run_id, lambda run: run.status == "sleeping")
    (found,) = workers.ask(facade.approvals_of_run, run_id)
    return found


def test_a_run_asks_sleeps_and_goes_on_with_what_was_decided(workers: Workers) -> None:
    workers.start()
    run_id = workers.submit(_asks(message="Deploy?", approval_key="deploy-7", data={"version": 7}), triggered_by="otto")
    found = _question(workers, run_id)
    assert (found.message, found.data, found.requested_by, found.step) == ("Deploy?", {"version": 7}, ["otto"], "ask")
    (reason,) = _reasons(workers, run_id)
    assert (reason.code, reason.text) == ("approval", "needs approval: Deploy? (0 of 1)")
    assert reason.until == found.expires_at
    with connect(workers.database.web) as connection:
        assert facade.get_approval(connection, tenant_id=workers.tenant, name="deploy-7") == found
        assert decide(connection, workers.tenant, found, "approve", "ann") == "approved"
    assert workers.finish(run_id).status == "completed"
    given = workers.result(run_id)["ask"]
    assert (given["status"], given["approved"], given["approver"], given["expired"]) == ("approved", True, "ann", False)
    assert [(vote["by"], vote["vote"]) for vote in given["votes"]] == [("ann", "approve")]
    assert problems(workers.database.worker) == []


def _reasons(workers: Workers, run_id: UUID) -> Any:
    with connect(workers.database.web) as connection:
        return facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(run_id))


def test_a_rejection_is_a_result_and_not_a_failure(workers: Workers) -> None:
    workers.start()
    run_id = workers.submit(_asks(message="Deploy?", quorum=3))
    with connect(workers.database.web) as connection:
        assert decide(connection, workers.tenant, _question(workers, run_id), "reject", "ann") == "rejected"
    assert workers.finish(run_id).status == "completed"
    assert workers.result(run_id)["ask"]["approved"] is False


@pytest.mark.parametrize(
    ("on_expiry", "status", "decision"),
    [("fail", "failed", None), ("approve", "completed", "approved"), ("reject", "completed", "rejected")],
)
def test_what_nobody_decides_ends_as_it_was_asked_to(
    workers: Workers, on_expiry: str, status: str, decision: str | None
) -> None:
    workers.start()
    run_id = workers.submit(_asks(message="Deploy?", timeout_seconds=0.2, on_expiry=on_expiry))
    run = workers.finish(run_id)
    assert run.status == status
    if decision is None:
        assert run.error is not None
        assert run.error["kind"] == "approval_expired"
    else:
        given = workers.result(run_id)["ask"]
        assert (given["status"], given["expired"], given["approver"]) == (decision, True, "")
    assert [one.state for one in workers.ask(facade.approvals_of_run, run_id)] == ["expired"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "message"),
        ({"message": "?", "quorum": 2, "approvers": ["ann"]}, "2 have to agree and only 1 are asked"),
        ({"message": "?", "quorum": 2, "stages": [{}]}, "stages take the place of approvers and quorum"),
        ({"message": "?", "data": "x" * 70_000}, "at most 65,536 are shown"),
        ({"message": "?", "approval_key": "a/b"}, "approval_key"),
        ({"message": "?", "timeout_seconds": 0}, "timeout_seconds"),
        ({"message": "?", "stages": []}, "stages"),
    ],
)
def test_a_question_that_makes_no_sense_fails_its_step(workers: Workers, arguments: JsonObject, words: str) -> None:
    workers.start()
    run = workers.finish(workers.submit(_asks(**arguments)))
    assert run.error is not None
    assert words in run.error["message"]
    assert run.error["kind"] == "input"


def test_a_quorum_is_as_many_people_as_it_says(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(quorum=3))
    with connect(database.web) as connection:
        assert [decide(connection, tenant, found, "approve", who) for who in ("ann", "ann", "bob", "bob")] == [
            "pending"
        ] * 4
        assert _given(database) is None
        assert decide(connection, tenant, found, "approve", "cid") == "approved"
        assert decide(connection, tenant, found, "approve", "cid") == "approved", "to say it again changes nothing"
        with pytest.raises(StateError, match=r"already approved by cid at 20"):
            decide(connection, tenant, found, "approve", "dan")
        with pytest.raises(StateError, match="already approved"):
            decide(connection, tenant, found, "reject", "ann")
    assert [vote["by"] for vote in _given(database)["votes"]] == ["ann", "bob", "cid"]


def _given(database: Database) -> Any:
    with connect(database.worker) as connection:
        return scalar(connection, "SELECT given FROM highway.wait WHERE kind = 'approval'")


def test_who_has_spoken_cannot_say_the_opposite(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(quorum=2))
    with connect(database.web) as connection:
        decide(connection, tenant, found, "approve", "ann")
        with pytest.raises(StateError, match="ann has already spoken: approve"):
            decide(connection, tenant, found, "reject", "ann")
        assert again(connection, tenant, found).is_open


def test_only_approvers_decide_under_any_of_their_names(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(approvers=["ann", "role:finance"], quorum=2))
    with connect(database.web) as connection:
        with pytest.raises(NotAllowedError, match=r"bob is not one of those who decide this now: ann, role:finance"):
            decide(connection, tenant, found, "approve", "bob", "role:sales")
        assert decide(connection, tenant, found, "approve", "ann") == "pending"
        assert decide(connection, tenant, found, "approve", "bob", "role:sales", "role:finance") == "approved"


def test_whoever_started_the_run_has_no_say_unless_it_is_allowed(database: Database, tenant: UUID) -> None:
    own = asked(database, tenant, triggered_by="ann")
    allowed = asked(database, tenant, question(allow_self=True), triggered_by="ann")
    with connect(database.web) as connection:
        with pytest.raises(NotAllowedError, match="ann has started what asks for this approval"):
            decide(connection, tenant, own, "approve", "ann")
        assert decide(connection, tenant, allowed, "approve", "ann") == "approved"


def test_a_child_asks_for_whoever_started_its_line(workers: Workers) -> None:
    child = workers.submit(_asks(message="Deploy?"), triggered_by="bob")
    workers.ask(facade.cancel, child)
    call = {
        "task_id": "call",
        "operator_type": "task",
        "function": "tools.workflow.execute",
        "kwargs": {"workflow_name": "asks", "inputs": {}},
    }
    parent = {"name": "parent", "version": "1", "start_task": "call", "tasks": {"call": call}}
    run_id = workers.submit(parent, triggered_by="otto")
    workers.start()
    with connect(workers.database.web) as connection:
        workers.wait(run_id, lambda _: bool(facade.list_approvals(connection, tenant_id=workers.tenant, pending=True)))
        (found,) = facade.list_approvals(connection, tenant_id=workers.tenant, pending=True)
    assert found.requested_by == ["otto"]


def test_stages_are_decided_one_after_another_by_different_people(database: Database, tenant: UUID) -> None:
    stages = [{"approvers": ["role:team"], "quorum": 2}, {"approvers": ["ann", "boss"], "quorum": 1}]
    found = asked(database, tenant, question(stages=stages))
    with connect(database.web) as connection:
        with pytest.raises(NotAllowedError, match="boss is not one of those who decide this now"):
            decide(connection, tenant, found, "approve", "boss")
        assert decide(connection, tenant, found, "approve", "ann", "role:team") == "pending"
        assert decide(connection, tenant, found, "approve", "bob", "role:team") == "pending"
        assert again(connection, tenant, found).stage == 1
        assert decide(connection, tenant, found, "approve", "ann", "role:team") == "pending", "she has spoken before"
        assert again(connection, tenant, found).is_open
        assert decide(connection, tenant, found, "approve", "boss") == "approved"


def test_nobody_decides_after_its_time_even_when_nobody_has_ended_it(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(timeout_seconds=0.0))
    with connect(database.web) as connection, pytest.raises(StateError, match="it has expired at"):
        decide(connection, tenant, found, "approve", "ann")
    assert problems(database.worker) != []
    with connect(database.worker) as connection:
        assert expire_approvals(connection, uuid4()) == 1
        assert expire_approvals(connection, uuid4()) == 0
        assert again(connection, tenant, found).state == "expired"
    assert problems(database.worker) == []


@pytest.mark.parametrize("end", ["cancel", "kill", "restart"])
def test_a_question_ends_with_its_step_and_so_do_its_links(database: Database, tenant: UUID, end: str) -> None:
    found = asked(database, tenant)
    run = {"tenant_id": tenant, "workflow_run_id": found.workflow_run_id}
    with connect(database.web) as connection:
        token = issue_token(connection, tenant_id=tenant, approval_id=found.approval_id, person="ann")
        if end == "cancel":
            facade.cancel(connection, **run)
        else:
            facade.kill(connection, **run)
        if end == "restart":
            facade.restart(connection, **run)
        assert again(connection, tenant, found).state == "withdrawn"
        with pytest.raises(StateError, match="already withdrawn at"):
            decide_by_token(connection, tenant_id=tenant, token=token, vote="approve")
        with pytest.raises(StateError, match="already withdrawn"):
            decide(connection, tenant, found, "approve", "ann")
        with pytest.raises(StateError, match="no open approval"):
            issue_token(connection, tenant_id=tenant, approval_id=found.approval_id, person="ann")
    assert problems(database.worker) == []


def test_a_link_lets_one_person_speak_once(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant, question(approvers=["role:team"], quorum=2))
    with connect(database.web) as connection:
        token = issue_token(
            connection, tenant_id=tenant, approval_id=found.approval_id, person="ann", names=["role:team"]
        )
        assert approval_of_token(connection, tenant_id=tenant, token=token).message == "Deploy?"
        assert decide_by_token(connection, tenant_id=tenant, token=token, vote="approve") == "pending"
        with pytest.raises(StateError, match="this link was used before"):
            decide_by_token(connection, tenant_id=tenant, token=token, vote="approve")
        with pytest.raises(NotFoundError, match="no such link"):
            decide_by_token(connection, tenant_id=tenant, token=token + "x", vote="approve")
        with pytest.raises(NotFoundError, match="no such link"):
            decide_by_token(connection, tenant_id=uuid4(), token=token, vote="approve")
    with connect(database.worker) as connection:
        assert token not in str(connection.execute("SELECT * FROM highway.approval_token").fetchall())


def test_a_foreign_question_does_not_exist(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    with connect(database.web) as connection:
        with pytest.raises(NotFoundError):
            decide(connection, uuid4(), found, "approve", "ann")
        assert facade.list_approvals(connection, tenant_id=uuid4()) == []


def test_a_decision_waits_for_a_paused_run_to_be_resumed(database: Database, tenant: UUID) -> None:
    found = asked(database, tenant)
    run = {"tenant_id": tenant, "workflow_run_id": found.workflow_run_id}
    with connect(database.web) as connection:
        facade.pause(connection, **run)
        assert decide(connection, tenant, found, "approve", "ann") == "approved"
        assert take(database.worker) == []
        facade.resume(connection, **run)
    (task,) = take(database.worker)
    assert task.task_id == found.workflow_run_id


def test_a_late_worker_asks_nobody(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        connection.execute("UPDATE highway.task SET epoch = epoch + 1")
        assert write(database.worker, asking(task)).stale == {run}
        assert facade.list_approvals(connection, tenant_id=tenant) == []


def test_pages_of_questions_are_the_newest_first(database: Database, tenant: UUID) -> None:
    ids = [asked(database, tenant, question(key="same")).approval_id for _ in range(3)]
    with connect(database.web) as connection:
        first = facade.list_approvals(connection, tenant_id=tenant, quantity=2)
        assert [one.approval_id for one in first] == ids[:0:-1]
        rest = facade.list_approvals(connection, tenant_id=tenant, quantity=2, before=ids[1])
        assert [one.approval_id for one in rest] == ids[:1]
        decide(connection, tenant, first[0], "approve", "ann")
        pending = facade.list_approvals(connection, tenant_id=tenant, pending=True)
        assert [one.approval_id for one in pending] == [ids[1], ids[0]]
        assert facade.get_approval(connection, tenant_id=tenant, name="same").approval_id == ids[1]
