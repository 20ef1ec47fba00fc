"""Activities in a definition: their fields, the metadata that the builder writes, and an attempt that was ended from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from highway_dsl import WorkflowBuilder

from engine import facade
from engine.interpreter import Execution, compile_program
from engine.language import read_definition
from engine.model.activity import ActivityPast, FailedAttempt
from engine.model.commands import Fork
from engine.model.errors import StepError
from engine.model.facts import TaskInfo, Waiting, WaitOver
from engine.model.queues import served
from engine.model.task import ClaimedTask, Loaded
from engine.orchestrator.entry import enter
from engine.orchestrator.session import Session
from tests.support.activities import with_activity

LIMITS = {
    "queue": "gpu",
    "schedule_to_start_timeout": 60,
    "start_to_close_timeout": "PT2H",
    "heartbeat_timeout": 30,
    "schedule_to_close_timeout": "P1D",
}


def plan_of(definition: Any, task_id: str = "work") -> Any:
    """What the activity is queued with."""
    program = compile_program(read_definition(definition))
    info = TaskInfo(tenant_id=uuid4(), workflow_run_id=uuid4(), scope="", inputs={})
    commands = Execution(program, info).advance()
    (task,) = (
        task for command in commands if isinstance(command, Fork) for task in command.tasks if task.key == task_id
    )
    return task.plan


def test_limits_are_fields_of_the_task_or_stand_in_the_metadata_that_the_builder_writes() -> None:
    built = WorkflowBuilder("train").activity("work", "tools.shell.run", args=["true"], metadata=LIMITS).build()
    plans = [plan_of(facade.read_json(built.to_json())), plan_of(with_activity(wait=False, **LIMITS))]
    for plan in plans:
        assert plan.queue == "gpu"
        assert plan.schedule_to_start == 60
        assert plan.start_to_close == 7200
        assert plan.heartbeat == 30
        assert plan.schedule_to_close == 86_400


def test_a_field_wins_over_the_metadata_and_the_timeout_policy_is_the_start_to_close_limit() -> None:
    more: dict[str, Any] = {"metadata": {"queue": "slow"}, "queue": "fast", "timeout_policy": {"timeout": "PT9S"}}
    plan = plan_of(with_activity(wait=False, **more))
    assert (plan.queue, plan.start_to_close, plan.heartbeat, plan.max_attempts) == ("fast", 9, None, 1)


def test_the_retry_policy_tells_how_many_attempts_there_may_be() -> None:
    assert plan_of(with_activity(wait=False, retry_policy={"max_retries": 4})).max_attempts == 5


def test_a_reflexive_operator_is_queued_with_the_same_limits() -> None:
    step = {
        "task_id": "work",
        "operator_type": "reflexive",
        "generator": "tools.log.info",
        "verifier": "tools.log.info",
    }
    plan = plan_of({"name": "r", "start_task": "work", "tasks": {"work": step | LIMITS}})
    assert (plan.function, plan.queue, plan.heartbeat) == ("tools.agent.reflexive_loop", "gpu", 30)


@pytest.mark.parametrize(
    ("field", "value"), [("heartbeat_timeout", 0), ("heartbeat_timeout", "soon"), ("queue", "a:b"), ("queue", "")]
)
def test_a_wrong_limit_is_named_with_its_path(field: str, value: Any) -> None:
    problems = facade.check_definition(with_activity("tools.log.info", "x", **{field: value}))
    assert f"$.tasks.work.{field}" in [problem.path for problem in problems]


def test_a_worker_serves_both_sides_of_a_queue_or_one() -> None:
    assert served(["default", "gpu:activities", "cpu:workflows"]) == (
        ("default", "cpu"),
        ("default:activities", "gpu:activities"),
    )
    for misspelt in ("gpu:activity", ":activities", ""):
        with pytest.raises(ValueError, match="is no queue"):
            served([misspelt])


def _entered(past: ActivityPast, *, retries: int = 1, waited_for: int = 0) -> Session:
    """A claim of the activity "work" whose policy allows so many retries, after ``waited_for`` counted attempts."""
    definition = with_activity(wait=False, retry_policy={"max_retries": retries, "delay": 1})
    names: dict[str, Any] = dict.fromkeys(ClaimedTask.__dataclass_fields__)
    names |= {"task_id": uuid4(), "tenant_id": uuid4(), "workflow_run_id": uuid4(), "kind": "activity", "key": "work"}
    names |= {"rescues": 0, "attempt": 2, "inputs": {}, "context": {}, "created_at": datetime.now(UTC)}
    loaded = Loaded(past=past)
    if waited_for:
        loaded.waiting.append(Waiting("work", "retry", waited_for, over=True))
        loaded.over.append(WaitOver("work"))
    session = enter(ClaimedTask(**names), compile_program(read_definition(definition)).at(["work"]), loaded)
    session.advance()
    return session


FAILED = FailedAttempt(1, 7.0, StepError("timeout", "no heartbeat", "Heartbeat"))


def test_an_attempt_that_was_ended_from_outside_is_counted_by_the_next_claim_and_its_policy_decides() -> None:
    session = _entered(ActivityPast(failed=FAILED))
    assert session.calls == []
    assert [(wait.kind, wait.attempt) for wait in session.writes.waits] == [("retry", 1)]
    assert [entry.kind for entry in session.writes.journal] == ["attempt_failed"]


def test_it_is_counted_once_however_often_the_task_is_entered_again() -> None:
    session = _entered(ActivityPast(failed=FAILED), waited_for=1)
    assert [call.attempt for call in session.calls] == [2]
    assert session.writes.journal == []


def test_without_a_retry_left_it_is_the_end_of_the_activity() -> None:
    session = _entered(ActivityPast(failed=FAILED), retries=0)
    (written,) = session.writes.records
    assert (written.record.outcome, written.seconds) == ("failed", 7.0)
    assert written.record.error == FAILED.error
