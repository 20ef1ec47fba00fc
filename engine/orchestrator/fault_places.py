"""Which fault points lie on the way of a command, a commit and the end of a wait."""

from __future__ import annotations

from engine.kit.fault_points import FaultPoint, reach
from engine.model.commands import (
    AwaitEvent,
    AwaitMessage,
    AwaitTasks,
    Command,
    Emit,
    Finish,
    Fork,
    Retry,
    StartChild,
    StartTimer,
)
from engine.model.facts import WaitOver
from engine.model.task import ClaimedTask
from engine.queue.writes import TaskWrites

_BY_COMMAND: dict[type[Command], tuple[FaultPoint, ...]] = {
    StartTimer: (FaultPoint.TIMER_INSERT,),
    Retry: (FaultPoint.RETRY_PLANNED,),
    AwaitEvent: (FaultPoint.WAIT_ASKED,),
    AwaitTasks: (FaultPoint.WAIT_ASKED,),
    AwaitMessage: (FaultPoint.WAIT_ASKED,),
    Emit: (FaultPoint.EMIT_BEFORE,),
    StartChild: (FaultPoint.FORK_CHILD,),
}


def reach_command(task: ClaimedTask, command: Command) -> None:
    """The core wants something; nothing of it is written yet."""
    points = _BY_COMMAND.get(type(command), ())
    if isinstance(command, Fork):
        points = (FaultPoint.FORK_CHILD,) * len(command.tasks)
    elif isinstance(command, Finish) and task.parent_task_id:
        points = (FaultPoint.JOIN_ARRIVAL,)
    for point in points:
        reach(point)


def reach_committed(writes: TaskWrites) -> None:
    """A task's writes are durable, and nothing has followed from them yet."""
    if writes.forks or writes.children:
        reach(FaultPoint.FORK_AFTER_COMMIT)
    if writes.waits:
        reach(FaultPoint.WAIT_AFTER_COMMIT)


def reach_over(over: WaitOver) -> None:
    """A wait is seen to be over; its step's checkpoint is not written."""
    reach(FaultPoint.TIMER_FIRE if over.payload is None else FaultPoint.JOIN_LAST)
