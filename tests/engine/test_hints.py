"""Notifications: at most one of a kind in a transaction, and only while somebody is there whom they concern."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import Connection, connect
from engine.model.flow import TenantPolicy
from engine.queue.claims import Look, Want
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from engine.worker import ear
from engine.worker.claiming import Claiming
from engine.worker.config import POLL_SECONDS, WorkerConfig
from engine.worker.ear import DOUBT_SECONDS, Ear
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from tests.support.databases import Database
from tests.support.flow import rate
from tests.support.hints import CONTROL, WORK, Heard, listen, register
from tests.support.runs import WORKER, fork_and_wait, scalar, start, step, take, write


@pytest.fixture
def heard(database: Database) -> Iterator[Heard]:
    with connect(database.worker) as listener:
        yield Heard(listener)


@pytest.fixture
def listening(database: Database) -> Iterator[Callable[[bool], None]]:
    """A worker's row: whether it is to be told of work."""
    with connect(database.worker) as worker:
        register(worker, WORKER)
        yield lambda listens: listen(worker, WORKER, listens)


def test_a_submission_names_its_queue_to_workers_that_serve_it_and_listen(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    with connect(database.web) as web:
        start(web, tenant)
        assert heard() == [(WORK, f"{WORKER} default")]
        start(web, tenant, queue="elsewhere")
        assert heard() == [], "nobody serves it"
        listening(False)
        start(web, tenant)
        assert heard() == [], "nobody sleeps"


def test_many_submissions_in_one_transaction_notify_once(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    listening(True)
    with connect(database.web) as web, web.transaction():
        for _ in range(3):
            start(web, tenant)
    assert heard() == [(WORK, f"{WORKER} default")]


def test_an_event_tells_those_who_can_take_its_waiter_or_the_one_that_has_it(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    listening(True)
    with connect(database.web) as web:
        run = start(web, tenant)
        (task,) = take(database.worker)
        heard()
        facade.emit_event(web, tenant_id=tenant, workflow_run_id=run, name="nobody's")
        assert heard() == []
        write(database.worker, TaskWrites(task, waits=[WaitWrite("w", "event", event_name="go")]))
        facade.emit_event(web, tenant_id=tenant, workflow_run_id=run, name="go")
        assert heard() == [(CONTROL, str(WORKER))], "its worker executes something else of it"
        write(database.worker, TaskWrites(task, waits=[WaitWrite("v", "event", event_name="on")], exit=Suspended()))
        heard()
        facade.send_signal(web, tenant_id=tenant, workflow_run_id=run, name="on")
        assert heard() == [(WORK, f"{WORKER} default")]


def test_the_last_branch_tells_those_who_can_take_the_parent_and_the_others_nobody(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    listening(True)
    with connect(database.web) as web:
        start(web, tenant)
    (task,) = take(database.worker)
    write(database.worker, fork_and_wait(task, "a", "b"))
    first, second = take(database.worker)
    heard()
    write(database.worker, TaskWrites(first, exit=Finished("completed")))
    assert heard() == []
    write(database.worker, TaskWrites(second, exit=Finished("completed")))
    assert heard() == [(WORK, f"{WORKER} default")]


@pytest.mark.parametrize("is_held", [True, False])
def test_a_stop_a_pause_and_their_like_tell_the_one_that_executes_it(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None], is_held: bool
) -> None:
    listening(True)
    told = [(CONTROL, str(WORKER))] if is_held else []
    with connect(database.web) as web:
        run = start(web, tenant)
        if is_held:
            take(database.worker)
        heard()
        facade.pause(web, tenant_id=tenant, workflow_run_id=run)
        assert heard() == told
        facade.resume(web, tenant_id=tenant, workflow_run_id=run)
        assert heard() == (told or [(WORK, f"{WORKER} default")])
        facade.cancel(web, tenant_id=tenant, workflow_run_id=run)
        assert heard() == told


def test_a_worker_that_gets_through_no_look_is_not_told_until_it_rests(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 looks leave some for a while: its row says so, 2 one leaves nothing: it listens again before anything else, 3 and looks again soon."""
    monkeypatch.setattr(ear, "BUSY_SECONDS", 0.0)
    config = WorkerConfig("", "looks", {}, make_sandbox=lambda: None)  # type: ignore[arg-type, return-value]
    with connect(database.worker) as connection:
        register(connection, WORKER)
        for _ in range(30):
            start(connection, tenant)
        claiming = Claiming(config, connection, WORKER, Programs(), Orders(batch=10))
        listens: list[bool] = []
        while len(listens) < 2 or not listens[-1]:
            assert claiming.seconds_to_next <= 0, listens
            _look(connection, claiming)
            listens.append(scalar(connection, "SELECT listens FROM highway.worker WHERE worker_id = %s", WORKER))
        assert len(listens) > 3
        assert listens == [True, *[False] * (len(listens) - 2), True]
        assert claiming.seconds_to_next <= DOUBT_SECONDS


def test_a_hint_that_names_a_queue_is_followed_by_a_look_at_no_more_than_that(database: Database, tenant: UUID) -> None:
    config = WorkerConfig("", "looks", {}, make_sandbox=lambda: None)  # type: ignore[arg-type, return-value]
    with connect(database.worker) as connection:
        claiming = Claiming(config, connection, WORKER, Programs(), Orders())
        while claiming.seconds_to_next <= 0:
            assert len(_look(connection, claiming)) == 2
        due = claiming.seconds_to_next
        claiming.hear("elsewhere")
        assert claiming.seconds_to_next > 0
        start(connection, tenant)
        claiming.hear("default")
        assert _look(connection, claiming) == [1]
        assert 0 < claiming.seconds_to_next <= due, "when all is looked at stays as it was"
        claiming.hear("")
        assert len(_look(connection, claiming)) == 2


def _look(connection: Connection, claiming: Claiming) -> list[int]:
    """How many of each kind that was asked for were taken."""
    look = claiming.look([], 0, 4)
    assert look
    with connection.pipeline():
        look.send(connection)
    look.receive(connection)
    catch = look.catch()
    claiming.take_up(catch)
    return [len(caught.tasks) for caught in catch.caught]


def test_an_ear_that_opens_is_doubted_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ear, "BUSY_SECONDS", 0.0)
    own = Ear(is_deaf=False)
    assert own.wish is None
    own.looked(told=None, leaves_some=True)
    assert own.wish is False
    own.looked(told=False, leaves_some=True)
    assert own.wish is None
    assert own.looked(told=None, leaves_some=False) == 0, "it is not to sleep before it listens"
    assert own.wish is True
    now = 100.0
    monkeypatch.setattr(ear.time, "monotonic", lambda: now)
    doubts = []
    for told in (True, *[None] * 8):
        doubts.append(own.looked(told=told, leaves_some=False))
        now += doubts[-1] / 2
        assert own.looked(told=None, leaves_some=False) == pytest.approx(doubts[-1] / 2), "a look between uses none up"
        now += 0.5001 * doubts[-1]
    assert doubts == pytest.approx([DOUBT_SECONDS * 2**n for n in range(7)] + [POLL_SECONDS] * 2)


def test_a_deaf_one_is_never_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ear, "BUSY_SECONDS", 0.0)
    own = Ear(is_deaf=True)
    for leaves_some in (True, True, False):
        assert own.looked(told=None, leaves_some=leaves_some) == POLL_SECONDS
        assert own.wish is None


def test_a_checkpoint_alone_notifies_nobody(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    listening(True)
    with connect(database.web) as web:
        start(web, tenant)
    (task,) = take(database.worker)
    heard()
    write(database.worker, step(task, "only"))
    assert heard() == []


def test_a_claim_that_puts_off_what_a_rate_holds_back_tells_that_there_is_a_time_to_wait_for(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    """A look asks for the next time before it claims; so the one that claimed would not wake for it, and start it with the poll."""
    listening(True)
    with connect(database.web) as web:
        for _ in range(2):
            start(web, tenant, flow=rate(1, 60))
    heard()
    assert len(take(database.worker)) == 1
    assert heard() == [(WORK, "")]


def test_a_tenant_whose_pause_ends_is_told_of_as_a_queue_is(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    listening(True)
    with connect(database.web) as web:
        facade.set_tenant_policy(web, tenant_id=tenant, policy=TenantPolicy(), paused=False)
        assert heard() == [(WORK, "")]
        facade.change_queue(web, tenant_id=tenant, name="default", change=facade.QueueChange(paused=False), by="ann")
        assert heard() == [(WORK, "")]


def test_of_what_starts_later_is_told_only_where_it_would_be_missed(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None]
) -> None:
    """A look for one queue alone does not ask what is due next; within a second each worker has asked."""
    listening(True)
    with connect(database.web) as web:
        start(web, tenant, delay_seconds=0.5)
        assert heard() == [(WORK, "")]
        start(web, tenant, delay_seconds=5)
        assert heard() == []


@pytest.mark.parametrize("tell", [facade.emit_event, facade.send_signal, facade.request_update])
def test_what_is_told_to_a_run_that_nobody_has_claimed_hints_to_it_again(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None], tell: Callable[..., object]
) -> None:
    """A claim passes by what is held for the news: a run that is submitted and told something at once would start with the poll."""
    listening(True)
    with connect(database.web) as web:
        run = start(web, tenant)
        heard()
        tell(web, tenant_id=tenant, workflow_run_id=run, name="go")
        assert heard() == [(WORK, f"{WORKER} default")]


@pytest.mark.parametrize("is_served", [False, True])
def test_who_wakes_what_others_serve_tells_them(
    database: Database, tenant: UUID, heard: Heard, listening: Callable[[bool], None], is_served: bool
) -> None:
    """Both look when the time has come: one passes by what the other wakes, and would find it with the poll."""
    listening(True)
    with connect(database.worker) as connection:
        start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, TaskWrites(task, waits=[WaitWrite("w", "timer", seconds=0)], exit=Suspended()))
        connection.execute("UPDATE highway.task SET state = 'sleeping' WHERE task_id = %s", [task.task_id])
        heard()
        look = Look(uuid4(), [Want(("default" if is_served else "elsewhere",), 0)])
        with connection.pipeline():
            look.send(connection)
        look.receive(connection)
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", task.task_id) == "pending"
    assert heard() == ([] if is_served else [(WORK, f"{WORKER} default")])
