"""The loop of a worker: one thread that executes all claimed tasks.

Each turn: hear what came in, let the sessions go on, commit what they want written in one group, start what may start now, claim more.
While a commit is under way new answers gather, so groups grow with the load and are of one when it is idle: the window needs no setting.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

from engine.db.connection import connect, hang_up
from engine.db.errors import ConnectionLostError
from engine.db.pool import Pool
from engine.orchestrator.entry import UNKNOWN_TOOL_SECONDS, broken, stopped
from engine.orchestrator.session import Session
from engine.queue.claims import load_waits
from engine.queue.commit import CommitResult, commit
from engine.queue.holdings import holdings, let_go
from engine.worker.calls import Calls
from engine.worker.claiming import Claiming
from engine.worker.config import POLL_SECONDS, WorkerConfig
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

_logger = logging.getLogger(__name__)
LOCK_SECONDS = 0.5  # how long a group commit waits for a row that somebody holds: all other tasks wait with it
BUSY_SECONDS = 0.5  # when such a task is tried again


class Loop:
    """One incarnation of a worker: from a fresh identity to its orderly end or its loss. Used by one thread."""

    def __init__(
        self, config: WorkerConfig, inbox: Inbox, executor: ThreadPoolExecutor, programs: Programs, orders: Orders
    ) -> None:
        self._config = config
        self._inbox = inbox
        self._sessions: dict[UUID, Session] = {}
        self._ready: set[UUID] = set()
        self._busy: dict[UUID, float] = {}  # tasks whose writes could not be made, and when to try again
        self._draining = False
        self._control_due = False
        with ExitStack() as opened:
            name = f"highway worker {config.name}"
            self._connection = connect(
                config.dsn, name=name, lock_seconds=LOCK_SECONDS, whole_seconds=config.whole_seconds, plan_once=True
            )
            opened.callback(self._connection.close)
            pool = Pool(config.dsn, size=config.slots, name=f"{name} steps", whole_seconds=config.whole_seconds)
            opened.callback(pool.close)
            self._liveness = Liveness(config, inbox, self._load, orders)
            opened.callback(self._liveness.close)
            self._calls = Calls(config, inbox, config.make_sandbox(), pool, self._liveness.worker_id, executor)
            opened.callback(self._calls.stop_all)
            self._claiming = Claiming(config, self._connection, self._liveness.worker_id, programs, orders)
            self._liveness.start()
            self._opened = opened.pop_all()

    @property
    def worker_id(self) -> UUID:
        """The identity of this incarnation."""
        return self._liveness.worker_id

    @property
    def orders(self) -> Orders:
        """What an operator asked of this worker last."""
        return self._claiming.orders

    @property
    def is_empty(self) -> bool:
        """Nothing is held."""
        return not self._sessions

    def turn(self) -> None:
        """One round. Raises `ConnectionLostError` when the identity is lost: then close, and begin a new incarnation."""
        for message in (*self._inbox.drain(self._patience()), *self._calls.expire()):
            self._hear(message)
        self._retry_busy()
        if self._control_due:
            self._look_after_holdings()
        self._go_on()
        if not self._draining and self._claiming.seconds_to_next <= 0:
            self._claim()
            self._go_on()

    def drain(self) -> None:
        """Claim nothing more; what is held goes on."""
        self._draining = True

    def hand_back_all(self) -> None:
        """Stop every call and give every task back, claimable at once."""
        for task_id, session in self._sessions.items():
            session.writes.beats += self._calls.last_beats(task_id)
            self._calls.stop_task(task_id)
            session.hand_back(0.0)
        commit(self._connection, [session.writes for session in self._sessions.values()], self.worker_id)

    def close(self) -> None:
        """Let go of everything. Tasks that are still held become others' at once."""
        self._opened.close()

    def _patience(self) -> float:
        if self._ready:
            return 0.0
        limits = [POLL_SECONDS, self._calls.seconds_to_next_deadline()]
        limits += [again_at - time.monotonic() for again_at in self._busy.values()]
        if not self._draining:
            limits.append(self._claiming.seconds_to_next)
        return max(0.0, min(limit for limit in limits if limit is not None))

    def _hear(self, message: Message) -> None:
        match message:
            case CallEnded():
                self._call_ended(message)
            case CallNoted():
                self._call_noted(message)
            case WorkHint():
                self._claiming.soon()
            case ControlHint():
                self._control_due = True
            case OrdersHeard():
                self._claiming.obey(message.orders)
            case IdentityLost():
                raise ConnectionLostError(message.reason)

    def _call_ended(self, ended: CallEnded) -> None:
        self._calls.forget(ended)
        session = self._waiting_for(ended)
        if session is None:
            return
        session.log(ended.fact.key, ended.logs)
        session.writes.beats += [ended.beat] if ended.beat else []
        session.settle(ended.fact, ended.seconds, ended.guarded)
        self._ready.add(ended.task_id)

    def _call_noted(self, noted: CallNoted) -> None:
        if session := self._waiting_for(noted):
            session.log(noted.fact.key, noted.logs)
            session.note(noted.fact, noted.listener)
            self._ready.add(noted.task_id)
        else:
            noted.listener(False)

    def _waiting_for(self, heard: CallEnded | CallNoted) -> Session | None:
        session = self._sessions.get(heard.task_id)
        awaited = session and session.task.epoch == heard.epoch and session.awaits(heard.fact.key, heard.attempt)
        return session if awaited else None

    def _go_on(self) -> None:
        """Advance and commit until every session waits for something outside of this thread."""
        while ready := self._ready - self._busy.keys():
            self._ready -= ready
            sessions = [self._sessions[task_id] for task_id in ready if task_id in self._sessions]
            for session in sessions:
                self._advance(session)
            if writes := [session.writes for session in sessions if session.writes]:
                self._apply(commit(self._connection, writes, self.worker_id))
            for session in sessions:
                self._start(session)
            for message in self._inbox.drain(0.0):
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
            self._busy[task_id] = time.monotonic() + BUSY_SECONDS
        for task_id in result.live:
            self._written(task_id, result)

    def _written(self, task_id: UUID, result: CommitResult) -> None:
        session, writes = self._sessions[task_id], self._sessions[task_id].writes
        session.committed()
        if writes.exit:
            self._drop(task_id)
            self._claiming.soon()  # there is room, and the exit may have made something claimable
            return
        if session.hear_answers(writes, result):
            self._ready.add(task_id)
        if task_id in result.pause_requested and session.pause(True):
            self._ready.add(task_id)  # before what is next begins, whether the hint has come or not
        if result.cancel_requested and task_id in result.cancel_requested:
            self._control_due = True

    def _refuse(self, task_id: UUID, reason: str) -> None:
        """The database would not take what the task wanted to write: the task fails for it, its neighbours do not."""
        session = self._sessions[task_id]
        _logger.error("task %s could not be written: %s", task_id, reason)
        if session.writes.exit and not session.writes.records:
            self._drop(task_id)  # not even its end: the claim is let go
            self._control_due = True
            return
        self._calls.stop_task(task_id)
        session.tell_listeners(False)
        session.committed()
        session.stop(broken(f"the result could not be stored: {reason}", "StorageError"))
        self._ready.add(task_id)

    def _drop(self, task_id: UUID) -> None:
        self._calls.stop_task(task_id)
        if session := self._sessions.pop(task_id, None):
            session.tell_listeners(False)
        self._ready.discard(task_id)
        self._busy.pop(task_id, None)

    def _retry_busy(self) -> None:
        now = time.monotonic()
        for task_id in [task_id for task_id, again_at in self._busy.items() if again_at <= now]:
            del self._busy[task_id]
            self._ready.add(task_id)

    def _start(self, session: Session) -> None:
        if self._sessions.get(session.task.task_id) is not session or session.task.task_id in self._busy:
            return
        if unknown := [call.tool for call in session.calls if call.tool not in self._config.tools]:
            self._defer(session, unknown[0])
            return
        for call in session.start_calls():
            self._calls.start(session.task, call, session.variables, session.past.details)

    def _defer(self, session: Session, tool: str) -> None:
        """This worker lacks a tool: the task is put back with a delay and an alert, never failed."""
        _logger.warning("run %s needs the tool %s, which this worker does not have", session.task.workflow_run_id, tool)
        self._calls.stop_task(session.task.task_id)
        session.journal("deferred", "", {"tool": tool, "worker": self._config.name})
        session.hand_back(UNKNOWN_TOOL_SECONDS)
        self._ready.add(session.task.task_id)

    def _claim(self) -> None:
        for session in self._claiming.claim(self._sessions.values(), self._calls.free_slots):
            self._sessions[session.task.task_id] = session
            self._ready.add(session.task.task_id)

    def _look_after_holdings(self) -> None:
        """Compare what is held here with what the database says is ours; hear of cancellations, pauses and waits that ended meanwhile.

        Sessions that the database does not know as ours are dropped; claims that no session stands for, however that came about, are let go:
        their worker is alive, so that nobody else would ever rescue them.
        """
        self._control_due = False
        held = {holding.task_id: holding for holding in holdings(self._connection, self._liveness.worker_id)}
        for task_id, mine in list(self._sessions.items()):
            if task_id not in held or held[task_id].epoch != mine.task.epoch:
                _logger.info("task %s is somebody else's by now", task_id)
                self._drop(task_id)
        if lost := [holding for task_id, holding in held.items() if task_id not in self._sessions]:
            _logger.error("letting go of %d claims that nobody works on", let_go(self._connection, lost))
        for task_id, holding in held.items():
            session = self._sessions.get(task_id)
            if session and holding.cancel_requested:
                self._calls.stop_task(task_id)
                session.stop(stopped(holding.cancel_outcome, holding.cancel_reason))
                self._ready.add(task_id)
            elif session and session.pause(holding.pause_requested):
                self._ready.add(task_id)
        self._hear_waits()

    def _hear_waits(self) -> None:
        # What a session has not written yet the rows cannot tell: they may still show the wait before.
        waiting = [session.task for session in self._sessions.values() if session.waits and not session.writes.waits]
        for task_id, loaded in (load_waits(self._connection, waiting) if waiting else {}).items():
            for over in loaded.over:
                self._sessions[task_id].settle(over)
                self._ready.add(task_id)

    def _load(self) -> Load:
        """For the liveness thread: a snapshot, taken without locks; a stale glimpse does no harm."""
        if self._inbox.silent_seconds > self._config.lease_seconds:
            hang_up(self._connection)  # the loop waits for an answer that will not come: it shall begin anew
        leaving = self._draining or self.orders.state == "draining"
        return Load(len(self._sessions), leaving, self._calls.shown(), self._calls.activities())
