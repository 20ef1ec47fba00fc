"""The tasks that a worker holds: which of them can go on, which rest, and which wait for the answer to their writes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from uuid import UUID

from engine.orchestrator.session import Session

MANY = 32  # worth two groups in place of one
BUSY_SECONDS = 0.5  # when a task is tried again whose writes could not be made, because somebody held its row


class Roster:
    """Sessions by their tasks. Used by the loop's thread; others may count it."""

    def __init__(self) -> None:
        self.sessions: dict[UUID, Session] = {}
        self._ready: dict[UUID, None] = {}  # in the order in which they came
        self._rested_at: dict[UUID, float] = {}
        self._in_flight: Collection[UUID] = ()

    def __len__(self) -> int:
        return len(self.sessions)

    def add(self, sessions: Iterable[Session]) -> None:
        """Take sessions in; they can go on."""
        for session in sessions:
            self.sessions[session.task.task_id] = session
            self._ready[session.task.task_id] = None

    def remove(self, task_id: UUID) -> Session | None:
        """Forget the task."""
        self._ready.pop(task_id, None)
        self._rested_at.pop(task_id, None)
        return self.sessions.pop(task_id, None)

    def rouse(self, task_ids: Iterable[UUID]) -> None:
        """Something came in for these tasks: they can go on as soon as nothing holds them."""
        self._ready.update(dict.fromkeys(task_ids))

    def rest(self, task_id: UUID) -> None:
        """The task's writes could not be made: it tries again a little later."""
        self._rested_at[task_id] = time.monotonic() + BUSY_SECONDS

    def is_resting(self, task_id: UUID) -> bool:
        """Whether it waits for a time at which to try its writes again."""
        return task_id in self._rested_at

    def fly(self, task_ids: Collection[UUID]) -> None:
        """These tasks' writes are under way, and no others'."""
        self._in_flight = task_ids

    def is_in_flight(self, task_id: UUID) -> bool:
        """Whether it is not known yet what became of its writes."""
        return task_id in self._in_flight

    def take_ready(self, *, some: bool = False) -> list[Session]:
        """The sessions that can go on, or ``some`` of many; from here on they are not ready any more."""
        now = time.monotonic()
        for task_id in [task_id for task_id, at in self._rested_at.items() if at <= now]:
            del self._rested_at[task_id]
            self._ready[task_id] = None
        going = [task_id for task_id in self._ready if not (self.is_resting(task_id) or self.is_in_flight(task_id))]
        if some and len(going) >= MANY:
            going = going[: len(going) // 2]
        for task_id in going:
            del self._ready[task_id]
        return [self.sessions[task_id] for task_id in going if task_id in self.sessions]

    @property
    def seconds_to_ready(self) -> float | None:
        """How long until the next session can go on without anything coming in; None when there is none such."""
        if any(not self.is_resting(task_id) for task_id in self._ready):
            return 0.0
        return max(0.0, min(self._rested_at.values()) - time.monotonic()) if self._rested_at else None
