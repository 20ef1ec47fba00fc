"""A hint names the worker that is to look at once; the others look a moment later, and then for all that came until then."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.db.connection import Connection, connect
from engine.kit.ids import uuid7
from engine.worker import ear, liveness
from engine.worker.claiming import Claiming
from engine.worker.config import POLL_SECONDS, RUMOUR_SECONDS, WorkerConfig
from engine.worker.ear import Rumours
from engine.worker.inbox import ControlHint, Inbox, WorkHint
from engine.worker.liveness import Liveness, Load
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from tests.support.databases import Database
from tests.support.hints import CONTROL, WORK, Heard, register
from tests.support.runs import WORKER, scalar, start

MINE, ANOTHERS = WorkHint("default"), WorkHint("default", is_for_another=True)


def config(dsn: str = "", name: str = "hinted") -> WorkerConfig:
    return WorkerConfig(dsn, name, {}, make_sandbox=lambda: None)  # type: ignore[arg-type, return-value]


@pytest.fixture
def three(database: Database) -> list[UUID]:
    ids = [uuid7() for _ in range(3)]
    with connect(database.worker) as worker:
        for worker_id in ids:
            register(worker, worker_id)
    return ids


@pytest.fixture
def web(database: Database) -> Iterator[Connection]:
    with connect(database.web) as web:
        yield web


def test_all_have_their_turn_and_one_transaction_names_one(
    database: Database, three: list[UUID], web: Connection, tenant: UUID
) -> None:
    with connect(database.worker) as listener:
        heard = Heard(listener)
        for _ in range(60):
            start(web, tenant)
        named = Counter(payload for _, payload in heard())
        assert set(named) == {f"{worker_id} default" for worker_id in three}
        assert named.total() == 60
        assert min(named.values()) >= 5
        with web.transaction():
            for _ in range(10):
                start(web, tenant)
        assert len(heard()) == 1


@pytest.mark.parametrize("why", ["draining = true", "requested_state = 'paused'", "running = capacity"])
def test_one_without_room_is_named_where_there_is_no_other(
    database: Database, three: list[UUID], web: Connection, tenant: UUID, why: str
) -> None:
    with connect(database.worker) as worker:
        heard = Heard(worker)
        worker.execute(f"UPDATE highway.worker SET {why} WHERE worker_id = ANY (%s)", [three[1:]])
        for _ in range(10):
            start(web, tenant)
        assert {payload for _, payload in heard()} == {f"{three[0]} default"}
        worker.execute("DELETE FROM highway.worker WHERE worker_id = %s", [three[0]])
        start(web, tenant)
        assert len(heard()) == 1


class Listening:
    """A worker's ear: it has introduced itself and hears, and nobody executes anything. Its time is what the test says."""

    def __init__(self, database: Database) -> None:
        self.now = 100.0
        self._dsn = database.worker
        self._inbox = Inbox()
        self._liveness = Liveness(config(database.worker), self._inbox, Load, Orders())
        self.worker_id = self._liveness.worker_id

    def __enter__(self) -> Listening:
        self._liveness.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._liveness.close()

    def monotonic(self) -> float:
        """What its thread takes for the time."""
        return self.now

    def heard(self, kind: type[Any]) -> list[Any]:
        """What came of all that was said by now. Hints that come together are heard in no order, so a second mark follows the first."""
        marks = [WorkHint("mark 1"), WorkHint("mark 2")]
        messages = [message for mark in marks for message in self._until(mark)]
        return [message for message in messages if isinstance(message, kind) and message not in marks]

    def _until(self, mark: WorkHint) -> list[Any]:
        with connect(self._dsn) as connection:
            say(connection, WORK, f"{self.worker_id} {mark.queue}")
        messages: list[Any] = []
        end = time.monotonic() + 30
        while mark not in messages:
            assert time.monotonic() < end, messages
            messages += self._inbox.drain(0.1)
        return messages


@pytest.fixture
def listening(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    listening = Listening(database)
    monkeypatch.setattr(liveness, "time", listening)
    with listening:
        yield listening


def say(connection: Connection, channel: str, *payloads: str) -> None:
    with connection.transaction():
        for payload in payloads:
            scalar(connection, "SELECT pg_notify(%s, %s)", channel, payload)


def test_what_is_for_another_is_a_rumour_told_once_in_a_while(database: Database, listening: Listening) -> None:
    with connect(database.worker) as said:
        say(said, WORK, f"{listening.worker_id} default")
        assert listening.heard(WorkHint) == [MINE]
        say(said, WORK, *(f"{uuid4()} default" for _ in range(30)))
        assert listening.heard(WorkHint) == [ANOTHERS]
        listening.now += RUMOUR_SECONDS
        say(said, WORK, f"{uuid4()} default", f"{listening.worker_id} default")
        assert Counter(listening.heard(WorkHint)) == {MINE: 1, ANOTHERS: 1}


def test_what_concerns_another_ones_task_is_not_heard(database: Database, listening: Listening) -> None:
    with connect(database.worker) as said:
        assert listening.heard(ControlHint) == [ControlHint()], "with each heartbeat all that is held is looked after"
        say(said, CONTROL, str(uuid4()))
        assert listening.heard(ControlHint) == []
        for payload in (str(listening.worker_id), ""):
            say(said, CONTROL, payload)
            assert listening.heard(ControlHint) == [ControlHint()]


def test_a_rumour_is_followed_by_a_look_that_none_before_it_takes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(ear.time, "monotonic", lambda: now)
    claiming = Claiming(config(), None, WORKER, Programs(), Orders())  # type: ignore[arg-type]
    claiming.later()
    assert claiming.seconds_to_next > POLL_SECONDS / 2
    claiming.hear("default", is_for_another=True)
    assert 0 < claiming.seconds_to_next <= RUMOUR_SECONDS
    claiming.hear("default")
    look = claiming.look([], 0, 4)
    assert look
    assert not look.is_whole
    claiming.soon()
    look = claiming.look([], 0, 4)
    assert look
    assert look.is_whole
    assert claiming.seconds_to_next <= RUMOUR_SECONDS, "what comes until then was not looked for"
    now += RUMOUR_SECONDS
    look = claiming.look([], 0, 4)
    assert look
    assert look.is_whole
    assert claiming.seconds_to_next > POLL_SECONDS / 2


def test_what_is_heard_while_a_look_is_waited_for_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker may have been told of more, after the look: whoever tells it counts from the last that it told."""
    now = 100.0
    monkeypatch.setattr(ear.time, "monotonic", lambda: now)
    rumours = Rumours()
    rumours.hear()
    now += 0.9 * RUMOUR_SECONDS
    rumours.hear()
    assert not rumours.take()
    now += 0.2 * RUMOUR_SECONDS
    assert rumours.take()
    assert rumours.next_at == pytest.approx(now + 0.8 * RUMOUR_SECONDS)
    now += RUMOUR_SECONDS
    assert rumours.take()
    assert rumours.next_at == math.inf


def test_what_names_no_queue_is_for_all_and_one_that_is_not_served_for_nobody(
    database: Database, three: list[UUID], listening: Listening
) -> None:
    with connect(database.worker) as worker:
        heard = Heard(worker)
        scalar(worker, "SELECT highway.hint_work()")
        assert heard() == [(WORK, "")]
        assert listening.heard(WorkHint) == [WorkHint()]
        say(worker, WORK, f"{three[0]} elsewhere", f"{three[1]} default")
        assert listening.heard(WorkHint) == [ANOTHERS]
