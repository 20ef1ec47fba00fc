"""Why a run is not going on: for every cause its code, its words and its data, from one function of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.errors import StepError
from engine.model.flow import TenantPolicy
from engine.model.views import Reason
from engine.queue.writes import HandedBack, JournalWrite, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.flow import rate, slots
from tests.support.guards import ask_for, holds
from tests.support.history import shared_history
from tests.support.meeting import QUESTION, Meeting, exhausting, writing
from tests.support.runs import WORKER, fork_and_wait
from tests.support.session import Session

BROKEN = StepError("tool", "no answer")
OPEN = StepError("circuit_open", "the circuit breaker of billing is open for 9 s", "CircuitOpen")


@dataclass
class Asker(Meeting):
    """Asks why runs of a tenant wait."""

    @property
    def queue(self) -> str:
        """Where its runs are."""
        return str(self.tenant)

    def reasons(self, run: UUID) -> list[Reason]:
        """What the web is told."""
        with connect(self.database.web) as connection:
            view = facade.get_run(connection, tenant_id=self.tenant, workflow_run_id=run)
            return facade.why_waiting(connection, tenant_id=self.tenant, run=view)

    def reason(self, run: UUID) -> Reason:
        """The only one."""
        (reason,) = self.reasons(run)
        return reason

    @contextmanager
    def served(self, worker_id: UUID = WORKER, **columns: Any) -> Iterator[None]:
        """While a worker that serves the queue is on the list."""
        values = {
            "worker_id": worker_id,
            "name": "w1",
            "lock_key": uuid4().int % 2**62,
            "queues": [self.queue],
            "slots": 1,
        } | columns
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            query = (
                f"INSERT INTO highway.worker ({names}, lease_expires_at) VALUES ({places}, now() + interval '1 day')"
            )
            connection.execute(query.encode(), list(values.values()))
            yield
            connection.execute("DELETE FROM highway.worker WHERE worker_id = %s", [worker_id])


@pytest.fixture
def asker(module_database: Database, tenant: UUID) -> Asker:
    return Asker(module_database, tenant)


def test_behind_how_many_it_is_queued(asker: Asker) -> None:
    runs = [asker.start() for _ in range(3)]
    with asker.served():
        told = [asker.reason(run) for run in runs]
    assert [one.code for one in told] == ["queued"] * 3
    assert [one.data for one in told] == [{"queue": asker.queue, "ahead": ahead} for ahead in range(3)]
    assert [one.text.removeprefix(f"queued in '{asker.queue}'") for one in told] == [
        ": it is the next of its tenant",
        " behind 1 of its tenant",
        " behind 2 of its tenant",
    ]


def test_that_no_worker_serves_its_queue(asker: Asker) -> None:
    run = asker.start()
    assert (asker.reason(run).code, asker.reason(run).text) == (
        "no_worker",
        f"no live worker serves the queue '{asker.queue}'",
    )
    with asker.served(requested_state="paused"):
        assert asker.reason(run).text == f"every worker of the queue '{asker.queue}' is paused or draining"
    with asker.served(draining=True):
        assert asker.reason(run).code == "no_worker"


def test_that_the_run_is_paused_and_by_whom(asker: Asker) -> None:
    run = asker.asleep()
    asker.now(asker.asking(facade.pause, run, by="ann", reason="the bank is closed"))
    first = asker.reasons(run)[0]
    assert (first.code, first.text) == ("paused", "paused by ann: the bank is closed")
    task = asker.taken()
    asker.now(asker.asking(facade.pause, task.task_id))
    assert asker.reasons(task.task_id)[0].text == "asked to pause by somebody"


def test_that_its_queue_is_paused_or_full(asker: Asker) -> None:
    run = asker.start()

    def change(**how: Any) -> None:
        changed = facade.QueueChange(**how)
        asker.now(
            lambda own: facade.change_queue(own, tenant_id=asker.tenant, name=asker.queue, change=changed, by="ann")
        )

    change(paused=True, reason="cleaning")
    assert (asker.reason(run).code, asker.reason(run).text) == (
        "queue_paused",
        f"the queue '{asker.queue}' was paused by ann: cleaning",
    )
    change(paused=False, max_running=0)
    assert (asker.reason(run).code, asker.reason(run).data) == ("queue_full", {"queue": asker.queue, "limit": 0})


def test_that_its_tenant_is_paused_or_full(asker: Asker) -> None:
    run = asker.start()

    def say(*, paused: bool = False, **policy: Any) -> None:
        said = TenantPolicy(**policy)
        asker.now(lambda own: facade.set_tenant_policy(own, tenant_id=asker.tenant, policy=said, paused=paused))

    say(paused=True, paused_by="root", pause_reason="unpaid")
    assert (asker.reason(run).code, asker.reason(run).text) == (
        "tenant_paused",
        "the tenant was paused by root: unpaid",
    )
    say(max_running=0)
    assert asker.reason(run).text == "0 tasks of the tenant are running, and 0 is the cap"
    say(max_running=0, exempt=True)
    assert asker.reason(run).code == "no_worker", "no cap concerns an exempt tenant"


def test_until_when_its_start_is_delayed(asker: Asker) -> None:
    reason = asker.reason(asker.start(delay_seconds=60))
    assert (reason.code, reason.until is not None) == ("delayed", True)


def test_which_limit_it_stands_in_line_for_and_who_holds_it(asker: Asker) -> None:
    first, second = (asker.start(flow=slots(1)) for _ in range(2))
    asker.take()
    reason = asker.reason(second)
    assert (reason.code, reason.data) == (
        "limit",
        {"limit": "k", "capacity": 1, "position": 1, "holders": [str(first)]},
    )
    assert reason.text == f"number 1 in line for one of the 1 slots of 'k', held by {first}"


def test_which_rate_it_is_too_early_for(asker: Asker) -> None:
    _, late = (asker.start(flow=rate(1, 60)) for _ in range(2))
    asker.take()
    reason = asker.reason(late)
    assert (reason.code, reason.text) == ("rate", "'r' allows 1 starts in 60 s; the next one is its own")
    assert reason.until is not None


@pytest.mark.parametrize(
    ("wait", "code", "text"),
    [
        (WaitWrite("s", "event", event_name="go"), "event", "waiting for the event 'go'"),
        (WaitWrite("s", "signal", event_name="go"), "signal", "waiting for a signal 'go'"),
        (WaitWrite("s", "update", event_name="go"), "update", "waiting for an update 'go'"),
        (WaitWrite("s", "timer", seconds=60), "timer", "sleeping"),
        (
            WaitWrite("s", "retry", seconds=60, attempt=2, error=BROKEN),
            "retry",
            "attempt 2 failed (no answer); the next one follows",
        ),
        (
            WaitWrite("s", "retry", seconds=60, attempt=1, error=OPEN),
            "breaker",
            "the call of attempt 1 was not made (the circuit breaker of billing is open for 9 s); the next attempt follows",
        ),
        (
            WaitWrite("s", "person", attempt=3, error=BROKEN, request=QUESTION),
            "person",
            "waiting for a person: attempt 3 failed (no answer) and no more are left",
        ),
        (WaitWrite("s", "person"), "person", "waiting for a person"),
        (
            WaitWrite("s", "slot", seconds=60, needed=1, request={"kind": "rate", "key": "mails"}),
            "rate",
            "more starts of 'mails' than its rate allows; the next is its own",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, WaitWrite) else None,
)
def test_what_a_step_waits_for(asker: Asker, wait: WaitWrite, code: str, text: str) -> None:
    reason = asker.reason(asker.asleep(wait))
    assert (reason.code, reason.step_key, reason.text) == (code, "s", text)
    assert (reason.until is not None) == (wait.seconds is not None)


def test_for_how_many_branches_it_waits_and_why_they_do(asker: Asker) -> None:
    task = asker.taken()
    asker.now(writing(fork_and_wait(task, "a", "b")))
    with asker.served():
        told = asker.reasons(task.task_id)
    assert sorted((one.code, one.scope) for one in told[:-1]) == [("queued", "a"), ("queued", "b")]
    assert told[-1].code == "tasks"
    assert told[-1].data == {"needed": 2, "of": 2}


def test_who_holds_its_lock_and_how_many_come_before(asker: Asker) -> None:
    tasks = [asker.taken() for _ in range(3)]
    for task in tasks:
        asker.now(writing(ask_for(task)))
    (holder,) = asker.take()
    asker.now(writing(holds(holder)))
    reason = asker.reason(tasks[2].task_id)
    assert (reason.code, reason.step_key) == ("lock", "take")
    assert reason.data == {"lock": "door", "holder": str(tasks[0].task_id), "ahead": 2}
    assert f"run {tasks[0].task_id} holds it since 2" in reason.text
    assert reason.text.endswith(" UTC, 1 others are before it")


def test_that_its_attempts_are_spent_and_a_person_is_waited_for(asker: Asker) -> None:
    task = asker.taken()
    asker.now(writing(exhausting(task)))
    assert [one.code for one in asker.reasons(task.task_id)] == ["paused", "person"]


def test_which_tool_the_worker_did_not_have_that_put_it_back(asker: Asker) -> None:
    task = asker.taken()
    told = JournalWrite("deferred", "", {"tool": "apps.mail.send", "worker": "w7"})
    asker.now(writing(TaskWrites(task, journal=[told], exit=HandedBack(60))))
    reason = asker.reason(task.task_id)
    assert (reason.code, reason.data) == ("deferred", {"tool": "apps.mail.send", "worker": "w7"})
    assert reason.text == "worker w7 does not have the tool 'apps.mail.send'; it was put back for one that has it"
    assert reason.until is not None


def test_that_it_was_put_back_for_another_reason(asker: Asker) -> None:
    task = asker.taken()
    asker.now(writing(TaskWrites(task, exit=HandedBack(60))))
    assert asker.reason(task.task_id).text == "it was put back and is tried again in a moment"


def test_that_its_worker_is_gone_or_is_stopping_it(asker: Asker) -> None:
    task = asker.taken()
    assert asker.reason(task.task_id).code == "worker_gone"
    with asker.served():
        assert asker.reasons(task.task_id) == [], "it is at work"
        asker.now(asker.asking(facade.cancel, task.task_id))
        assert asker.reason(task.task_id).text == "asked to stop; worker w1 is ending the step under way"


def test_nothing_of_a_run_that_has_ended_nor_of_another_tenant(asker: Asker, other_tenant: UUID) -> None:
    query = "SELECT count(*) FROM highway.why_waiting(%s, %s)"
    run, ended = asker.start(), asker.failed()
    assert [
        asker.value(query, tenant, which)
        for tenant, which in ((asker.tenant, run), (asker.tenant, ended), (other_tenant, run))
    ] == [
        1,
        0,
        0,
    ]


def test_every_open_run_that_nobody_executes_is_told_why(postgres: Session) -> None:
    """In a history of every state: pending, asleep on waits of each kind, paused."""
    database, history = shared_history(postgres)
    with psycopg.connect(database.superuser) as connection:
        silent = connection.execute(
            """SELECT r.status, count(*) FROM (SELECT * FROM highway.workflow_run WHERE tenant_id = %s AND finished_at IS NULL
                                                ORDER BY md5(workflow_run_id::text) LIMIT 400) AS r
                WHERE r.status <> 'running' AND NOT EXISTS (SELECT FROM highway.why_waiting(r.tenant_id, r.workflow_run_id))
                GROUP BY 1""",
            [history.tenant],
        ).fetchall()
    assert silent == []
