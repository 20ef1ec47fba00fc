"""How a task ends: the verdict, the tasks it forked and has to wait for, and the one `Finish`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, cast

from engine.interpreter.frame import SUCCEEDED, Frame
from engine.interpreter.program import Program
from engine.interpreter.restore import forked_keys
from engine.kit.values import value
from engine.model.commands import AwaitTasks, CancelTasks, Command, Finish, Fork, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, Recorded, Waiting, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.kit.awaiting import EXCUSED_SUFFIX, FINAL, awaited, unsuccessful
from engine.operators.kit.base import Ended

OPEN_KEY = "@open"


@value(frozen=True, slots=True)
class Verdict:
    """What becomes of the task. ``drops_forks``: forked tasks that are open are cancelled, and how they end does not change the verdict."""

    outcome: Literal["completed", "failed", "cancelled", "compensated"]
    result: Json = None
    error: StepError | None = None
    failed_key: str | None = None
    drops_forks: bool = True
    continue_with: JsonObject | None = None

    @classmethod
    def of(cls, ended: Ended, key: str) -> Verdict:
        """The verdict of a terminate operator."""
        outcome = cast(Literal["completed", "failed", "cancelled"], ended.status)
        if outcome == "completed":
            return cls(outcome, result=ended.result or None, continue_with=ended.continue_with)
        message = ended.reason or f"ended by {key}"
        return cls(outcome, ended.result or None, StepError("terminated", message, "Terminated", False), key)


class Closing:
    """Keeps account of forked tasks, and winds the task up when its verdict is known.

    A forked task that ended without success fails the task at its end, unless a step was told of it (it is excused) or the task has
    failed or was terminated anyway. A task that fails or is terminated cancels what it forked; in every case it ends only when they have ended.
    """

    def __init__(self, program: Program, recorded: Collection[Recorded]) -> None:
        self._program = program
        self._forked: dict[str, None] = {}
        self._ended: set[str] = set()
        self._excused: set[str] = set()
        self._verdict: Verdict | None = None
        for step in recorded:
            if step.key.endswith(EXCUSED_SUFFIX):
                self._excuse(step.result)
            elif step.operator == "terminate" and step.outcome == "succeeded":
                self._verdict = Verdict.of(_ended_before(step.result), step.key)
        self.note_forked(forked_keys(program.graph, recorded))
        self._phase: Literal["running", "awaiting", "ready", "finished"] = "running"

    @property
    def is_decided(self) -> bool:
        """Whether the verdict is known before the graph is at its end (terminated, diverged) or it is closing already."""
        return self._verdict is not None

    def decide(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def diverged(self, recorded: Recorded, expected: str) -> None:
        """The definition is not the one that the recorded steps were made by: the task ends at once, nothing is run."""
        message = f"definition: step '{recorded.key}' is a {expected}; expected {expected}, found {recorded.operator}"
        error = StepError("divergence", message, "Divergence", retryable=False)
        self._verdict = Verdict("failed", error=error, failed_key=recorded.key)
        self._phase = "ready"

    def note_forked(self, keys: Iterable[str]) -> None:
        self._forked.update(dict.fromkeys(keys))

    def note_ended(self, keys: Iterable[str]) -> None:
        self._ended.update(keys)

    def hear(self, command: Command) -> None:
        """Learn from a command of ours which forked tasks a step answers for."""
        if isinstance(command, Record) and command.operator == "await":
            self._excuse(command.result)
        elif isinstance(command, Fork):  # of a step that is not over yet
            self.note_forked(new.key for new in command.tasks)

    def awaits(self, fact: Fact) -> bool:
        """Whether the fact is the end of the forked tasks that are awaited at the end."""
        return self._phase == "awaiting" and fact.key == OPEN_KEY

    def commands(self, root: Frame, waiting: dict[str, Waiting]) -> list[Command]:
        """What is to do at the end of the graph; nothing while it has been asked for."""
        if self._verdict is None:
            self._verdict = self._of_graph(root)
        if self._phase == "running":
            open_keys = [key for key in self._forked if key not in self._ended]
            self._phase = "awaiting" if open_keys else "ready"
            if open_keys:
                return [] if waiting.pop(OPEN_KEY, None) else self._await(open_keys)
        if self._phase != "ready":
            return []
        self._phase = "finished"
        verdict = self._verdict
        return [
            Finish(
                verdict.outcome, verdict.result, verdict.error, verdict.failed_key, continue_with=verdict.continue_with
            )
        ]

    def opened(self, over: WaitOver) -> None:
        """The forked tasks have ended; `commands` finishes next."""
        tasks = awaited(over.payload)
        self._ended.update(key for key, task in tasks.items() if task.get("status") in FINAL)
        self._phase = "ready"
        bad = [key for key in unsuccessful(tasks) if key not in self._excused]
        if bad and self._verdict is not None and not self._verdict.drops_forks:
            self._verdict = Verdict("failed", error=_branch_error(bad[0], tasks[bad[0]]), failed_key=bad[0])

    @staticmethod
    def stored(ended: Ended) -> JsonObject:
        """The recorded result of a terminate step."""
        stored: JsonObject = {"status": ended.status, "result": ended.result, "reason": ended.reason}
        return stored if ended.continue_with is None else stored | {"continue_with": ended.continue_with}

    def _await(self, keys: list[str]) -> list[Command]:
        waits: list[Command] = [AwaitTasks(OPEN_KEY, keys)]
        if self._verdict is not None and self._verdict.drops_forks:
            waits.insert(0, CancelTasks(OPEN_KEY, keys))
        return waits

    def _of_graph(self, root: Frame) -> Verdict:
        failure = root.failing
        if failure is not None:
            undone = (
                failure.error is not None and failure.error.kind == "compensated" and self._program.kind == "workflow"
            )
            return Verdict("compensated" if undone else "failed", error=failure.error, failed_key=failure.cause)
        results: JsonObject = {node.plan.task_id: node.result for node in root.states if node.state == SUCCEEDED}
        if self._program.kind == "activity":
            return Verdict("completed", next(iter(results.values()), None))
        return Verdict("completed", results, drops_forks=False)

    def _excuse(self, result: Json) -> None:
        tasks = result.get("tasks") if isinstance(result, dict) else None
        if isinstance(tasks, list):
            self._excused.update(key for key in tasks if isinstance(key, str))


def _ended_before(result: Json) -> Ended:
    """What a terminate step was that is recorded already."""
    stored = result if isinstance(result, dict) else {}
    return Ended(
        str(stored.get("status")),
        cast(JsonObject, stored.get("result") or {}),
        str(stored.get("reason") or ""),
        cast(JsonObject | None, stored.get("continue_with")),
    )


def _branch_error(key: str, task: JsonObject) -> StepError:
    error = task.get("error")
    detail = error.get("message") if isinstance(error, dict) else None
    message = f"{key} {task.get('status')}" + (f": {detail}" if detail else "")
    return StepError("branch", message, "BranchFailed", retryable=False)
