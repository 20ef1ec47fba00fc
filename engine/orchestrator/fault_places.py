"""Which fault points lie on the way of a command and of a commit."""

from __future__ import annotations

from collections.abc import Iterator

from engine.kit.fault_points import FaultPoint, reach
from engine.model.commands import (
    AnswerUpdate,
    AwaitApproval,
    AwaitEvent,
    AwaitMessage,
    AwaitTasks,
    CallTool,
    Command,
    Emit,
    EndListening,
    Finish,
    Fork,
    Record,
    Retry,
    StartChild,
    StartTimer,
)
from engine.model.task import ClaimedTask
from engine.queue.writes import TaskWrites

_BY_COMMAND: dict[type[Command], tuple[FaultPoint, ...]] = {
    StartTimer: (FaultPoint.TIMER_INSERT,),
    Retry: (FaultPoint.RETRY_PLANNED,),
    AwaitApproval: (FaultPoint.WAIT_ASKED,),
    AwaitEvent: (FaultPoint.WAIT_ASKED,),
    AwaitTasks: (FaultPoint.WAIT_ASKED,),
    AwaitMessage: (FaultPoint.WAIT_ASKED,),
    EndListening: (FaultPoint.WAIT_ASKED,),
    Emit: (FaultPoint.EMIT_BEFORE,),
    StartChild: (FaultPoint.FORK_CHILD,),
    AnswerUpdate: (FaultPoint.UPDATE_ANSWERED,),
}
_WHILE_UNDOING: dict[type[Command], tuple[FaultPoint, ...]] = {
    CallTool: (FaultPoint.UNDO_CALL,),
    Record: (FaultPoint.UNDO_RECORD,),
    Finish: (FaultPoint.UNDO_END,),
}


def reach_command(task: ClaimedTask, command: Command) -> None:
    """The core wants something; nothing of it is written yet."""
    points = _BY_COMMAND.get(type(command), ())
    if task.phase == "undoing":
        points = _WHILE_UNDOING.get(type(command), points)
    elif isinstance(command, Fork):
        points = (FaultPoint.FORK_CHILD,) * len(command.tasks)
    elif isinstance(command, Finish):
        points = tuple(_of_end(task, command))
    for point in points:
        reach(point)


def reach_committed(writes: TaskWrites) -> None:
    """A task's writes are durable, and nothing has followed from them yet."""
    if writes.forks or writes.children:
        reach(FaultPoint.FORK_AFTER_COMMIT)
    if writes.waits:
        reach(FaultPoint.WAIT_AFTER_COMMIT)
    if writes.emits:
        reach(FaultPoint.EMIT_AFTER_COMMIT)


def _of_end(task: ClaimedTask, end: Finish) -> Iterator[FaultPoint]:
    if task.kind == "activity":
        yield FaultPoint.ACTIVITY_FINISH
    if task.parent_task_id:
        yield FaultPoint.JOIN_ARRIVAL
    if task.kind == "workflow" and end.outcome != "completed":
        yield FaultPoint.UNDO_DECIDED
