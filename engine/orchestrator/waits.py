"""The row of each wait that the core asks for."""

from __future__ import annotations

from engine.model.commands import AwaitEvent, AwaitLock, AwaitMessage, AwaitTasks, Retry, StartTimer
from engine.queue.writes import WaitWrite


def wait_write(command: StartTimer | AwaitEvent | AwaitMessage | AwaitTasks | AwaitLock | Retry) -> WaitWrite:
    """What to register so that the end of this wait is seen, whoever holds the task then."""
    if isinstance(command, StartTimer):
        return WaitWrite(command.key, "timer", seconds=command.seconds, until=command.until, request=command.request)
    if isinstance(command, AwaitEvent):
        return WaitWrite(
            command.key,
            "event",
            seconds=command.timeout_seconds,
            event_name=command.event_name,
            request=command.request,
        )
    if isinstance(command, AwaitMessage):
        return WaitWrite(
            command.key,
            command.kind,
            seconds=command.timeout_seconds,
            event_name=command.name,
            request=command.request,
        )
    if isinstance(command, AwaitLock):
        return WaitWrite(command.key, "lock", seconds=command.timeout_seconds, request=command.request)
    if isinstance(command, Retry):
        return WaitWrite(
            command.key, "retry", seconds=command.delay_seconds, attempt=command.attempt, error=command.error
        )
    return WaitWrite(
        command.key,
        "tasks",
        seconds=command.timeout_seconds,
        awaited=command.task_keys,
        needed=command.needed,
        request=command.request,
    )
