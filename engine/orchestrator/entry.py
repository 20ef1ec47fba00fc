"""From a claim to a session: re-entering a task, or ending it at once when it must not go on."""

from __future__ import annotations

from engine.interpreter import Execution, Program, Undoing
from engine.kit.fault_points import FaultPoint, reach
from engine.model.errors import StepError
from engine.model.facts import TaskInfo
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask, FinalState, Loaded
from engine.orchestrator.session import Session
from engine.queue.writes import Finished, TaskWrites

MAX_RESCUES = 20  # a task that kills its worker so often without progress is poison
UNKNOWN_TOOL_SECONDS = 5.0
FORKS_SECONDS = 0.5  # how long a run that undoes what it did waits for what it forked to have stopped


def enter(task: ClaimedTask, program: Program | None, loaded: Loaded, error: StepError | None = None) -> Session:
    """Make a session of a claim: the core is told everything durable, then what has come while nobody held the task.

    A run that undoes what it did needs no program. Any other without one (``error`` says why) ends at once, as does
    one that was asked to stop, or that is poison.
    """
    info = TaskInfo(
        tenant_id=task.tenant_id,
        workflow_run_id=task.workflow_run_id,
        scope=task.key,
        inputs=task.inputs,
        context=task.context,
        variables=loaded.variables,
        started_date=task.created_at.date().isoformat(),
        attempt=task.attempt,
    )
    if task.kind == "activity":
        reach(FaultPoint.ACTIVITY_CLAIMED)
    execution = _execution(task, program, info, loaded)
    session = Session(task, execution, TaskWrites(task), dict(loaded.variables), loaded.past)
    session.waits.update(wait.key for wait in loaded.waiting)
    session.limited.update(wait.key for wait in loaded.waiting if wait.kind == "slot")
    if error:
        session.stop(refused(error))
    elif task.cancel_requested:
        session.stop(stopped(task.cancel_outcome, task.cancel_reason))
    elif task.rescues > MAX_RESCUES:
        session.stop(refused(_poison(task)))
    elif task.phase == "undoing" and loaded.open_forks:
        session.hand_back(FORKS_SECONDS)
    else:
        for over in loaded.over:
            session.settle(over)
    return session


def _execution(
    task: ClaimedTask, program: Program | None, info: TaskInfo, loaded: Loaded
) -> Execution | Undoing | None:
    if task.phase == "undoing":
        return Undoing(info, loaded.undo, task.error, loaded.recorded, loaded.waiting)
    return Execution(program, info, loaded.recorded, loaded.waiting) if program else None


def refused(error: StepError) -> Finished:
    """The end of a task that cannot go on."""
    return Finished("failed", error=error.to_json())


def broken(message: str, type_: str) -> Finished:
    """The end of a task that the engine itself could not go on with."""
    return refused(StepError("internal", message, type_, retryable=False))


def stopped(outcome: FinalState | None, reason: str | None) -> Finished:
    """The end of a task that was asked to stop; the same words as highway.stop_error."""
    reach(FaultPoint.CANCEL_HEARD)
    kind = "deadline" if outcome == "failed" else "cancelled"
    error: JsonObject = {"kind": kind, "type": "", "retryable": False, "message": reason or "cancelled"}
    return Finished(outcome or "cancelled", error=error)


def _poison(task: ClaimedTask) -> StepError:
    return StepError("poison", f"its worker died {task.rescues} times in a row while executing it", retryable=False)
