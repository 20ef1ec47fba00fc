"""The row of each wait that the core asks for."""

from __future__ import annotations

from collections.abc import Collection

from engine.model.commands import (
    AskPerson,
    AwaitApproval,
    AwaitEvent,
    AwaitLock,
    AwaitMessage,
    AwaitSlots,
    AwaitTasks,
    CallTool,
    Command,
    Record,
    Retry,
    StartTimer,
)
from engine.model.json import JsonObject
from engine.queue.writes import JournalWrite, WaitWrite

Waits = StartTimer | Retry | AskPerson | AwaitApproval | AwaitEvent | AwaitMessage | AwaitSlots | AwaitTasks | AwaitLock


def wait_write(command: Waits) -> WaitWrite:
    """What to register so that the end of this wait is seen, whoever holds the task then."""
    if isinstance(command, Retry | AskPerson | AwaitSlots):
        return _of_attempt(command)
    if isinstance(command, StartTimer):
        return WaitWrite(command.key, "timer", seconds=command.seconds, until=command.until, request=command.request)
    if isinstance(command, AwaitTasks):
        return WaitWrite(
            command.key,
            "tasks",
            seconds=command.timeout_seconds,
            awaited=command.task_keys,
            needed=command.needed,
            request=command.request,
        )
    if isinstance(command, AwaitApproval):
        return WaitWrite(command.key, "approval", request=command.request)
    if isinstance(command, AwaitLock):
        return WaitWrite(command.key, "lock", seconds=command.timeout_seconds, request=command.request)
    return WaitWrite(
        command.key,
        "event" if isinstance(command, AwaitEvent) else command.kind,
        seconds=command.timeout_seconds,
        event_name=command.event_name if isinstance(command, AwaitEvent) else command.name,
        request=command.request,
    )


def _of_attempt(command: Retry | AskPerson | AwaitSlots) -> WaitWrite:
    """Waits between the attempts of a step, or before one."""
    if isinstance(command, AwaitSlots):
        return WaitWrite(command.key, "slot", attempt=command.attempt, request={"in_line": command.in_line})
    if isinstance(command, AskPerson):
        return WaitWrite(command.key, "person", attempt=command.attempt, error=command.error, request=command.request)
    return WaitWrite(
        command.key,
        "retry",
        seconds=command.delay_seconds,
        attempt=command.attempt,
        error=command.error,
        request=command.request,
    )


def failed_attempt(command: Retry | AskPerson) -> JournalWrite:
    """What people read of an attempt that another may follow."""
    told: JsonObject = {"attempt": command.attempt, "error": command.error.to_json()}
    if isinstance(command, Retry):
        told["delay_seconds"] = command.delay_seconds
    return JournalWrite("attempt_failed", command.key, told)


def would_come_again(command: Command, certain: Collection[str]) -> bool:
    """Whether it may be lost: a call is asked for again, and so is the record of a wait whose end is ``certain``, with all that follows from it."""
    return isinstance(command, CallTool) or (isinstance(command, Record) and command.key in certain)
