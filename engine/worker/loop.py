"""The loop of a worker: one thread that executes all claimed tasks.

Each turn: hear what came in, let the sessions go on, commit what they want written in one group and look for more work in the same round trip, start
what may start now. While the database works on one group the next is advanced, so groups grow with the load and are of one when it is idle.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

from engine.db.connection import hang_up
from engine.db.errors import ConnectionLostError
from engine.db.pool import Pool
from engine.orchestrator.entry import broken, stopped
from engine.orchestrator.session import Session
from engine.queue.claims import Look
from engine.queue.commit import CommitResult, commit
from engine.worker.calls import Calls
from engine.worker.claiming import Claiming
from engine.worker.config import POLL_SECONDS, WorkerConfig
from engine.worker.flight import Flight, open_connection
from engine.worker.handing_back import without_slots, without_tool
from engine.worker.holding import Held, hear_waits, look_up
from engine.worker.inbox import (
    CallEnded,
    CallNoted,
    ControlHint,
    IdentityLost,
    Inbox,
    Message,
    OrdersHeard,
    WorkHint,
)
from engine.worker.liveness import Liveness, Load
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from engine.worker.roster import Roster

_logger = logging.getLogger(__name__)


class Loop:
    """One incarnation of a worker: from a fresh identity to its orderly end or its loss. Used by one thread."""

    def __init__(
        self, config: WorkerConfig, inbox: Inbox, executor: ThreadPoolExecutor, programs: Programs, orders: Orders
    ) -> None:
        self._config = config
        self._inbox = inbox
        self._roster = Roster()
        self._flight: Flight | None = None
        self._unheard: list[CallEnded | CallNoted] = []  # what came for sessions while their writes were in flight
        self._control_due = False
        with ExitStack() as opened:
            self._connection = open_connection(config)
            opened.callback(self._connection.close)
            name = f"highway worker {config.name} steps"
            pool = Pool(config.dsn, size=config.slots, name=name, whole_seconds=config.whole_seconds)
            opened.callback(pool.close)
            self._liveness = Liveness(config, inbox, self._load, orders)
            opened.callback(self._liveness.close)
            self.worker_id = self._liveness.worker_id  # the identity of this incarnation
            self._calls = Calls(config, inbox, config.make_sandbox(), pool, self.worker_id, executor)
            opened.callback(self._calls.stop_all)
            self._claiming = Claiming(config, self._connection, self.worker_id, programs, orders)
            self._liveness.start()
            self._opened = opened.pop_all()

    @property
    def orders(self) -> Orders:
        """What an operator asked of this worker last."""
        return self._claiming.orders

    @property
    def is_empty(self) -> bool:
        """Nothing is held, and nothing may be coming."""
        return not (self._roster.sessions or self._flight)

    def turn(self) -> None:
        """One round. Raises `ConnectionLostError` when the identity is lost: then close, and begin a new incarnation."""
        look_due = (
            self._control_due
        )  # since the turn before: who can go on goes first, and hears of a stop or a pause with its commit, too
        for message in (*self._inbox.drain(self._patience()), *self._calls.expire()):
            self._hear(message)
        self._go_on()
        if look_due:
            self._look_after_holdings()

    def drain(self) -> None:
        """Claim nothing more; what is held goes on."""
        self._claiming.stop()

    def hand_back_all(self) -> None:
        """Stop every call and give every task back, claimable at once."""
        self._land()
        for task_id, session in self._roster.sessions.items():
            session.writes.beats += self._calls.last_beats(task_id)
            self._calls.stop_task(task_id)
            session.hand_back(0.0)
        commit(self._connection, [session.writes for session in self._roster.sessions.values()], self.worker_id)

    def close(self) -> None:
        """Let go of everything. Tasks that are still held become others' at once."""
        self._opened.close()

    def _patience(self) -> float:
        if self._flight or self._control_due:
            return 0.0  # what is to be waited for is waited for at the end of the turn
        limits = (
            POLL_SECONDS,
            self._calls.seconds_to_next_deadline(),
            self._roster.seconds_to_ready,
            self._claiming.seconds_to_next,
        )
        return max(0.0, min(limit for limit in limits if limit is not None))

    def _hear(self, message: Message) -> None:
        match message:
            case CallEnded():
                self._call_ended(message)
            case CallNoted():
                self._call_noted(message)
            case WorkHint():
                self._claiming.hear(message.queue, is_for_another=message.is_for_another)
            case ControlHint():
                self._control_due = True
            case OrdersHeard():
                self._claiming.obey(message.orders)
            case IdentityLost():
                raise ConnectionLostError(message.reason)

    def _call_ended(self, ended: CallEnded) -> None:
        self._calls.forget(ended)
        if self._roster.is_in_flight(ended.task_id):
            self._unheard.append(ended)
            return
        if session := self._waiting_for(ended):
            session.log(ended.fact.key, ended.logs)
            session.writes.beats += [ended.beat] if ended.beat else []
            session.settle(ended.fact, ended.seconds, ended.guarded)
            self._roster.rouse([ended.task_id])

    def _call_noted(self, noted: CallNoted) -> None:
        if self._roster.is_in_flight(noted.task_id):
            self._unheard.append(noted)
        elif session := self._waiting_for(noted):
            session.log(noted.fact.key, noted.logs)
            session.note(noted.fact, noted.listener)
            self._roster.rouse([noted.task_id])
        else:
            noted.listener(False)

    def _waiting_for(self, heard: CallEnded | CallNoted) -> Session | None:
        session = self._roster.sessions.get(heard.task_id)
        awaited = session and session.task.epoch == heard.epoch and session.awaits(heard.fact.key, heard.attempt)
        return session if awaited else None

    def _go_on(self) -> None:
        """Advance what can go on while the flight before is under way; receive that one, send the next, and only then hear what it gave."""
        sessions = self._advance_ready()
        look = self._look(sessions)
        following = Flight(self._connection, self.worker_id, sessions, look) if sessions or look else None
        if following or self._inbox.is_empty:  # else there is something to do
            self._land(following)

    def _advance_ready(self) -> list[Session]:
        """Let the sessions go on that can, and start the calls that nothing holds back; those that have something to write, for the next flight."""
        writing: list[Session] = []
        # A database that has nothing to do gets a part of many at once, and works on it while we think about the rest.
        for session in self._roster.take_ready(some=self._flight is None):
            self._advance(session)
            ahead = not session.writes or (not session.holds_back and self._calls.may_go_ahead(session.calls))
            came_back = ahead and self._start(session)
            if session.writes and (
                session.goes_on or not came_back
            ):  # else it is written along with what its calls came back with
                writing.append(session)
        return writing

    def _look(self, writing: Sequence[Session]) -> Look | None:
        if self._flight and self._flight.look:
            return None  # what the look under way brings will take room
        leaving = sum(1 for session in writing if session.writes.exit)
        return self._claiming.look(self._roster.sessions.values(), leaving, self._calls.free_slots)

    def _land(self, following: Flight | None = None) -> None:
        """Hear what became of the flight that is under way, if there is one, and let the following one start as soon as the connection is free."""
        flight, self._flight = self._flight, following
        if flight:
            flight.receive()
        taken = self._claiming.take_up(flight.catch()) if flight and flight.look else []
        self._roster.fly(following.task_ids if following else ())
        if following:
            following.start()
        if flight:
            self._apply(flight.result())
            for session in flight.sessions:
                self._start(session)
            self._roster.add(self._claiming.enter(taken))
            unheard, self._unheard = self._unheard, []
            for message in unheard:
                self._hear(message)

    def _advance(self, session: Session) -> None:
        try:
            session.advance()
        except Exception as error:
            _logger.exception("task %s broke the interpreter", session.task.task_id)
            session.stop(broken(f"{type(error).__name__}: {error}", type(error).__name__))

    def _apply(self, result: CommitResult) -> None:
        for task_id in result.stale:
            self._drop(task_id)
        for task_id, reason in result.refused.items():
            self._refuse(task_id, reason)
        for task_id in result.busy:
            self._roster.rest(task_id)
        for task_id in result.live:
            self._written(task_id, result)

    def _written(self, task_id: UUID, result: CommitResult) -> None:
        session, writes = self._roster.sessions[task_id], self._roster.sessions[task_id].writes
        session.committed()
        if writes.exit:
            self._drop(task_id)
            self._claiming.gone(writes)
            return
        goes_on = session.hear_answers(writes, result) or session.goes_on
        # Before what is next begins, whether the hint has come or not.
        if (task_id in result.pause_requested and session.pause(True)) or goes_on:
            self._roster.rouse([task_id])
        self._control_due = self._control_due or task_id in result.cancel_requested

    def _refuse(self, task_id: UUID, reason: str) -> None:
        """The database would not take what the task wanted to write: the task fails for it, its neighbours do not."""
        session = self._roster.sessions[task_id]
        _logger.error("task %s could not be written: %s", task_id, reason)
        if session.writes.exit and not session.writes.records:
            self._drop(task_id)  # not even its end: the claim is let go
            self._control_due = True
            return
        self._calls.stop_task(task_id)
        session.tell_listeners(False)
        session.committed()
        session.stop(broken(f"the result could not be stored: {reason}", "StorageError"))
        self._roster.rouse([task_id])

    def _drop(self, task_id: UUID) -> None:
        self._calls.stop_task(task_id)
        if session := self._roster.remove(task_id):
            session.tell_listeners(False)

    def _start(self, session: Session) -> bool:
        """Start what may start now; whether all of it has come back already."""
        task_id = session.task.task_id
        if self._roster.sessions.get(task_id) is not session or self._roster.is_resting(task_id):
            return False
        if unknown := [call.tool for call in session.calls if call.tool not in self._config.tools]:
            without_tool(session, self._calls, unknown[0], self._config.name)
            self._roster.rouse([task_id])
            return False
        given = session.variables, session.past.details
        came_back = [self._calls.start(session.task, call, *given) for call in session.start_calls()]
        return bool(came_back) and all(came_back)

    def _look_after_holdings(self) -> None:
        """Hear of cancellations, pauses and waits that ended meanwhile, and that a task is not held any more."""
        self._land()
        self._control_due = False
        for held in look_up(self._connection, self.worker_id, self._roster.sessions):
            self._obey(held)
        self._roster.rouse(hear_waits(self._connection, self._roster.sessions))
        if given := without_slots(self._roster.sessions, self._calls):
            self._claiming.short_of_slots()
            self._roster.rouse(given)

    def _obey(self, held: Held) -> None:
        session, holding = held
        task_id = session.task.task_id
        if holding is None:
            _logger.info("task %s is somebody else's by now", task_id)
            self._drop(task_id)
        elif holding.cancel_requested:
            self._calls.stop_task(task_id)
            session.stop(stopped(holding.cancel_outcome, holding.cancel_reason))
            self._roster.rouse([task_id])
        elif session.pause(holding.pause_requested):
            self._roster.rouse([task_id])

    def _load(self) -> Load:
        """For the liveness thread: a snapshot, taken without locks; a stale glimpse does no harm."""
        if self._inbox.silent_seconds > self._config.lease_seconds:
            hang_up(self._connection)  # the loop waits for an answer that will not come: it shall begin anew
        return Load(len(self._roster), self._claiming.is_leaving, self._calls.shown(), self._calls.activities())
