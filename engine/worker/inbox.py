"""What the loop is told by the other threads."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import field
from typing import Any
from uuid import UUID

from engine.durable.tool_context import LogLine
from engine.kit.values import value
from engine.model.activity import Beat
from engine.model.facts import Fact, ToolNoted
from engine.queue.writes import CallWrite
from engine.worker.orders import Orders


@value(frozen=True, slots=True)
class CallEnded:
    """A tool call came back. ``epoch`` is that of the claim it belonged to, ``beat`` an activity's last heartbeat."""

    task_id: UUID
    epoch: int
    attempt: int
    fact: Fact
    seconds: float
    logs: list[LogLine] = field(default_factory=list)
    guarded: CallWrite | None = None  # what a circuit breaker is to hear of it
    beat: Beat | None = None


@value(frozen=True, slots=True)
class CallNoted:
    """A call that goes on did something that must be durable first; ``listener`` is told whether it is."""

    task_id: UUID
    epoch: int
    attempt: int
    fact: ToolNoted
    listener: Callable[[bool], None]
    logs: list[LogLine] = field(default_factory=list)


@value(frozen=True, slots=True)
class WorkHint:
    """There may be something to claim, in this queue; '': in any. ``is_for_another``: another worker was asked to take it."""

    queue: str = ""
    is_for_another: bool = False


@value(frozen=True, slots=True)
class ControlHint:
    """Something may concern the tasks that are held: a cancellation, the end of a wait."""


@value(frozen=True, slots=True)
class IdentityLost:
    """The worker is not who it was: its connection or its row is gone. Everything it holds belongs to others."""

    reason: str


@value(frozen=True, slots=True)
class OrdersHeard:
    """What an operator asks of this worker, whether it is new or not."""

    orders: Orders


Message = CallEnded | CallNoted | WorkHint | ControlHint | IdentityLost | OrdersHeard


class Inbox:
    """A queue of messages, drained in one go."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._drained_at = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """For how long nobody has drained it: the loop does so at least at each poll, unless it stands still."""
        return time.monotonic() - self._drained_at

    @property
    def is_empty(self) -> bool:
        """Whether a `drain` now would find nothing."""
        return self._queue.empty()

    def put(self, message: Message) -> None:
        """Leave a message, from any thread."""
        self._queue.put(message)

    def drain(self, seconds: float) -> list[Message]:
        """Wait up to ``seconds`` for a first message, then take all there are."""
        self._drained_at = time.monotonic()
        messages: list[Message] = []
        try:
            messages.append(self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait())
            while True:
                messages.append(self._queue.get_nowait())
        except queue.Empty:
            return messages
