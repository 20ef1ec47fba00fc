"""One attempt of a tool call that is under way: its limits, its heartbeats, and what people see of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.durable.cancellation import Cancellation
from engine.durable.pulse import Pulse
from engine.durable.tool_context import ToolContext
from engine.kit.json_text import dumps
from engine.model.activity import Beat
from engine.model.commands import CallTool, Record
from engine.model.errors import StepError
from engine.model.facts import ToolSucceeded
from engine.model.json import Json, JsonObject
from engine.model.task import ClaimedTask
from engine.queue.writes import RecordWrite, TaskWrites
from engine.tools.spec import ToolSpec
from engine.worker.breakers import Guarded

MAX_SHOWN_INPUT = 4096


@dataclass(slots=True)
class RunningCall:
    """A call that was started. ``began`` is None while it waits for a slot; its time limit counts from there. ``pulse`` is an activity's."""

    task: ClaimedTask
    spec: ToolSpec[Any]
    call: CallTool
    context: ToolContext
    cancellation: Cancellation
    pulse: Pulse
    asked: float = field(default_factory=time.monotonic)
    began: float | None = None
    began_at: datetime | None = None
    ended: bool = False
    resting: bool = False  # its transaction did not go through; it is tried again
    guarded: Guarded | None = None  # set when a circuit breaker let it through

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which the attempt is over; a transaction has none but the database's own limit: it may be committing."""
        if self.began is None or self.ended or self.spec.transactional:
            return None
        limits = [] if self.call.timeout_seconds is None else [self.began + self.call.timeout_seconds]
        if self.beats_itself and self.call.heartbeat_seconds is not None:
            limits.append((self.pulse.last_at or self.began) + self.call.heartbeat_seconds)
        return min(limits, default=None)

    def forget(self) -> None:
        """What a transaction that was rolled back has said."""
        self.context.logs.clear()
        self.context.changed_variables.clear()

    @property
    def attempt(self) -> int:
        """Which attempt of its step this is, from 1."""
        return self.call.attempt

    @property
    def heartbeat_seconds(self) -> float | None:
        """How long an activity may be silent."""
        return self.call.heartbeat_seconds

    @property
    def beats_itself(self) -> bool:
        """Whether its silence means something; else its worker speaks for it."""
        return self.spec.beats_itself

    @property
    def last_beat(self) -> Beat | None:
        """The last heartbeat, to be written with the end of the attempt; None for what is no activity or never sent one."""
        last = self.pulse.last()
        if last is None or self.began is None:
            return None
        now = time.monotonic()
        return Beat(self.attempt, now - self.began, now - last[0], details=last[1])

    def broken_limit(self, lasted: float) -> StepError:
        """The error of an attempt that has broken one of its limits after so many seconds."""
        limit, silence = self.call.timeout_seconds, self.call.heartbeat_seconds
        if limit is not None and lasted >= limit:
            kind = "StartToClose" if self.task.kind == "activity" else "Timeout"
            return StepError("timeout", f"timed out after {limit:g} s", kind)
        return StepError("timeout", f"no heartbeat came for {silence or 0.0:g} s", "Heartbeat")

    def shown(self) -> JsonObject:
        """The call for people, while it runs."""
        given = shown_input(self.call)
        if given is not None and len(dumps(given)) > MAX_SHOWN_INPUT:
            given = None
        return {
            "key": self.call.key,
            "attempt": self.attempt,
            "started_at": self.began_at.isoformat() if self.began_at else None,
            "operator": "task",
            "tool": self.call.tool,
            "input": given,
            "processes": list(self.context.processes),
        }


def shown_input(call: CallTool) -> Json:
    """What a step was given, as it is kept for people; None when it was given nothing."""
    return {"args": call.args, "kwargs": call.kwargs} if call.args or call.kwargs else None


def long_running(calls: Iterable[RunningCall], since: float) -> dict[UUID, tuple[ClaimedTask, list[JsonObject]]]:
    """By task, how people are shown the calls that began before ``since`` (by the monotonic clock) and go on."""
    steps: dict[UUID, tuple[ClaimedTask, list[JsonObject]]] = {}
    for running in calls:
        if running.began is not None and running.began <= since and running.began_at and not running.ended:
            steps.setdefault(running.task.task_id, (running.task, []))[1].append(running.shown())
    return steps


def checkpoint(running: RunningCall, fact: ToolSucceeded) -> TaskWrites:
    """What a transactional step writes along with its own work."""
    call = running.call
    seconds = time.monotonic() - (running.began or 0.0)
    record = Record(
        call.key,
        "task",
        "succeeded",
        fact.result,
        input=shown_input(call),
        attempt=call.attempt,
        variables=fact.variables,
        undo=call.undo(fact.result),
    )
    return TaskWrites(
        running.task,
        records=[RecordWrite(record, seconds)],
        ended_waits=[call.key],
        freed=[call.key] if call.holds_slots else [],
    )
