"""Workers that are played: what the worker's loop does, one small step at a time, so that one may be frozen or killed between any two.

Everything below the loop is the engine's own: claims, sessions, calls, group commits. What stands here instead of `engine.worker.loop` follows
it step by step, without threads, and decides nothing by itself: the order comes from the program.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.kit.ids import uuid7
from engine.model.task import ClaimedTask
from engine.orchestrator.entry import stopped
from engine.orchestrator.session import Session
from engine.queue.commit import CommitResult, commit
from engine.queue.holdings import holdings, let_go
from engine.queue.loading import load_waits
from engine.tools.spec import ToolSpec
from engine.worker.calls import Calls
from engine.worker.claiming import Claiming
from engine.worker.config import WorkerConfig
from engine.worker.inbox import CallEnded, Inbox
from engine.worker.orders import Orders
from engine.worker.programs import Programs

_sql = load("worker")
LEASE_SECONDS = 1e9  # a frozen worker is found out by its lock
Stage = Literal["ready", "advanced", "committed", "idle"]


class DivergenceError(AssertionError):
    """The engine did what the model does not allow."""


@dataclass
class OneConnection:
    """In the place of the pool: transactional tools take turns on one connection, as everything here does."""

    opened: Connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        yield self.opened


@dataclass
class Later:
    """In the place of the slots' threads: what was submitted runs when the program says so."""

    waiting: list[Any] = field(default_factory=list)

    def submit(self, function: Any, *arguments: Any) -> None:
        self.waiting.append((function, arguments))


@dataclass
class Held:
    """A session and how far its round is. ``again``: there is more to advance when what is ready now was started."""

    session: Session
    stage: Stage = "ready"
    again: bool = False

    @property
    def between_rounds(self) -> bool:
        """Only then does the loop look around."""
        return self.stage in ("ready", "idle")


class Player:
    """One worker process. Holds an advisory lock while it lives; frozen, it has lost the lock and knows nothing of it."""

    def __init__(
        self, connection: Connection, tools: Mapping[str, ToolSpec[Any]], queue: str, programs: Programs
    ) -> None:
        self.worker_id = uuid7()
        self.frozen = False
        self.held: dict[UUID, Held] = {}
        self._connection = connection
        self._lock_key = self.worker_id.int & (2**62 - 1)
        self._inbox = Inbox()
        self._heard: list[CallEnded] = []
        self._later = Later()
        config = WorkerConfig("", "played", tools, make_sandbox=lambda: None, queues=(queue,))  # type: ignore[arg-type, return-value]
        self._calls = Calls(config, self._inbox, None, OneConnection(connection), self.worker_id, self._later)  # type: ignore[arg-type]
        self._claiming = Claiming(config, connection, self.worker_id, programs, Orders())
        _sql.take_lock.run(connection, lock_key=self._lock_key)
        _sql.register.run(
            connection,
            worker_id=self.worker_id,
            name="played",
            lock_key=self._lock_key,
            queues=[queue],
            slots=4,
            code_version="",
            lease_seconds=LEASE_SECONDS,
            capacity=config.capacity,
            state="active",
            reason="",
            capacity_override=None,
            batch_override=None,
        )

    def freeze(self) -> None:
        """Stopped in the middle of whatever it does; to the others it looks dead."""
        if not self.frozen:
            self.frozen = True
            self._connection.execute("SELECT pg_advisory_unlock(%s)", [self._lock_key])

    def thaw(self) -> None:
        """It goes on where it was, whether it was buried meanwhile or not."""
        if self.frozen:
            self.frozen = False
            self._connection.execute("SELECT pg_advisory_lock(%s)", [self._lock_key])

    def close(self) -> None:
        """It is gone, with everything that it knew."""
        self.freeze()
        self.held.clear()

    def claim(self, quantity: int) -> int:
        """Take tasks and enter them. Returns how many."""
        self._claiming.soon()
        look = self._claiming.look([], 0, quantity)
        if look is None:
            return 0
        with self._connection.pipeline():
            look.send(self._connection)
        look.receive(self._connection)
        sessions = self._claiming.enter(self._claiming.take_up(look.catch()))
        self.held |= {session.task.task_id: Held(session) for session in sessions}
        return len(sessions)

    def hand_back(self) -> None:
        """Give everything back, as at an orderly stop."""
        for task_id, held in list(self.held.items()):
            held.session.writes.beats += self._calls.last_beats(task_id)
            self._calls.stop_task(task_id)
            held.session.hand_back(0.0)
            held.stage = "advanced"
            self._commit(task_id)

    def look(self) -> None:
        """Compare what is held with what the database says; hear of stops and of waits that are over."""
        mine = {holding.task_id: holding for holding in holdings(self._connection, self.worker_id)}
        for task_id in [
            key for key, held in self.held.items() if key not in mine or mine[key].epoch != held.session.task.epoch
        ]:
            self._drop(task_id)
        if lost := [holding for task_id, holding in mine.items() if task_id not in self.held]:
            let_go(self._connection, lost)
        for task_id, held in self.held.items():
            if not held.between_rounds:
                continue
            if mine[task_id].cancel_requested:
                self._calls.stop_task(task_id)
                held.session.stop(stopped(mine[task_id].cancel_outcome, mine[task_id].cancel_reason))
                held.stage = "ready"
            elif held.session.pause(mine[task_id].pause_requested):
                held.stage = "ready"
        self._hear_waits(
            [held.session.task for held in self.held.values() if held.session.waits and held.between_rounds]
        )

    def _hear_waits(self, waiting: list[ClaimedTask]) -> None:
        for task_id, loaded in (load_waits(self._connection, waiting) if waiting else {}).items():
            for over in loaded.over:
                self.held[task_id].session.settle(over)
                self.held[task_id].stage = "ready"

    def step(self, chance: random.Random) -> bool:
        """One small step of those that are possible; False when there is none."""
        self._heard += [message for message in self._inbox.drain(0.0) if isinstance(message, CallEnded)]
        busy = sorted(task_id for task_id, held in self.held.items() if held.stage != "idle")
        choices = [("session", task_id) for task_id in busy]
        choices += [("call", None)] * bool(self._later.waiting) + [("hear", None)] * bool(self._heard)
        if not choices:
            return False
        kind, task_id = chance.choice(choices)
        if kind == "call":
            function, arguments = self._later.waiting.pop(chance.randrange(len(self._later.waiting)))
            function(*arguments)
        elif kind == "hear":
            self._hear(self._heard.pop(0))
        elif task_id is not None:
            self._go_on(task_id, together=chance.random() < 0.3)
        return True

    def _go_on(self, task_id: UUID, *, together: bool) -> None:
        held = self.held[task_id]
        if held.stage == "ready":
            held.session.advance()
            held.stage = "advanced" if held.session.writes else "committed"
        elif held.stage == "advanced":
            others = [key for key, other in self.held.items() if other.stage == "advanced"] if together else [task_id]
            self._commit(*others)
        else:
            held.stage, held.again = "ready" if held.again else "idle", False
            for call in held.session.start_calls():
                self._calls.start(held.session.task, call, held.session.variables, held.session.past.details)

    def _commit(self, *task_ids: UUID) -> None:
        result = commit(self._connection, [self.held[key].session.writes for key in task_ids], self.worker_id)
        if result.refused or result.busy:
            raise DivergenceError(f"a commit was not taken: {result}")
        for task_id in result.stale:
            self._drop(task_id)
        for task_id in result.live:
            self._written(task_id, result)

    def _written(self, task_id: UUID, result: CommitResult) -> None:
        held = self.held[task_id]
        writes = held.session.writes
        held.session.committed()
        if writes.exit:
            self._drop(task_id)
            return
        held.stage, held.again = "committed", held.session.hear_answers(writes, result)
        held.again |= task_id in result.pause_requested and held.session.pause(True)

    def _hear(self, ended: CallEnded) -> None:
        self._calls.forget(ended)
        held = self.held.get(ended.task_id)
        if (
            held is None
            or held.session.task.epoch != ended.epoch
            or not held.session.awaits(ended.fact.key, ended.attempt)
        ):
            return
        if held.stage != "idle":  # the loop hears nothing between its own steps
            self._heard.append(ended)
            return
        held.session.writes.beats += [ended.beat] if ended.beat else []
        held.session.settle(ended.fact, ended.seconds, ended.guarded)
        held.stage = "ready"

    def _drop(self, task_id: UUID) -> None:
        self._calls.stop_task(task_id)
        self.held.pop(task_id, None)
