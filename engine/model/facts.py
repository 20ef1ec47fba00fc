"""What the pure core is told: everything durable about a task, and what happened since.

`Execution` (engine.interpreter) is built from `TaskInfo` and the `Recorded` steps; open waits follow as `Waiting`, then, while it runs,
`ToolSucceeded`, `ToolFailed`, `ToolAsked` and `WaitOver` arrive one by one through ``settle()``.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal
from uuid import UUID

from engine.kit.values import value
from engine.model.errors import StepError
from engine.model.json import Json, JsonObject
from engine.model.notes import Note
from engine.model.requests import Request

StepOutcome = Literal["succeeded", "failed", "skipped"]


@value(frozen=True, slots=True)
class TaskInfo:
    """Who is being executed. ``scope`` is '' for a run's own task, else the key of the branch or activity."""

    tenant_id: UUID
    workflow_run_id: UUID
    scope: str
    inputs: JsonObject
    context: JsonObject = field(default_factory=dict)  # names a branch was given by its parent at the fork
    variables: JsonObject = field(default_factory=dict)  # as they are now in this scope
    started_date: str = ""  # `ds`: ISO date of the run's creation, UTC
    attempt: int = 1


@value(frozen=True, slots=True)
class Recorded:
    """A checkpoint: this step is over and is never done again."""

    key: str
    operator: str
    outcome: StepOutcome
    result: Json = None
    error: StepError | None = None


@value(frozen=True, slots=True)
class Waiting:
    """An open wait row found on re-entry: the step was begun in an earlier claim and is not over.

    ``attempt`` is the number of attempts already spent (waits of kind ``retry``); ``over`` says that its time or its event has come and that a
    `WaitOver` for the key follows at once. ``request`` is what was asked (waits of kind ``tasks`` keep the shape of their result in it).
    """

    key: str
    kind: Literal["timer", "event", "retry", "tasks", "signal", "update", "person", "slot", "lock", "approval"]
    attempt: int = 0
    over: bool = False
    request: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class ToolSucceeded:
    """A tool call returned. ``variables`` are the names it set in this scope; they are stored with the checkpoint.

    ``durable`` is true when the checkpoint was already committed by the call itself (a transactional tool): it is applied, not recorded again.
    """

    key: str
    result: Json
    variables: JsonObject = field(default_factory=dict)
    durable: bool = False


@value(frozen=True, slots=True)
class ToolFailed:
    """An attempt of a tool call ended with an error; the retry policy decides what follows."""

    key: str
    error: StepError


@value(frozen=True, slots=True)
class ToolAsked:
    """A tool did not answer but asked the engine for something durable (wait for branches, start a child run, sleep)."""

    key: str
    request: Request


@value(frozen=True, slots=True)
class ToolNoted:
    """Durable code did something inside its step and waits for it to be durable; the call goes on."""

    key: str
    note: Note


@value(frozen=True, slots=True)
class WaitOver:
    """A wait ended. ``timed_out`` is true when its time came before what it waited for; ``gives_back``: before a message, which may come
    all the same until this is written, and then goes back to the inbox.

    ``payload``: an event's payload; for tasks ``{key: {"status": ..., "result": ..., "error": ...}}`` of all that were awaited
    (status: completed, failed, cancelled, or an open state when timed out or when fewer than all were needed); ``{"fencing"}`` of a lock;
    a person's answer ``{"try_again": bool, "by": ..., "args": ..., "kwargs": ...}``; None for timers.
    ``certain``: whoever takes the task up again is told the same, whenever that is; so nothing needs to be written before what comes next.
    """

    key: str
    timed_out: bool = False
    payload: Json = None
    certain: bool = False
    gives_back: bool = False


Fact = ToolSucceeded | ToolFailed | ToolAsked | ToolNoted | WaitOver
