"""A run that did not succeed undoes what it did: the registered calls, the last thing done first, one after another, each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, cast

from engine.interpreter.names import LayeredNames, TaskNames
from engine.language.definition import RetryPolicy, Task
from engine.language.expressions.values import Value
from engine.model.commands import Command, Finish, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, Recorded, TaskInfo, Waiting
from engine.model.json import JsonObject
from engine.model.undo import Undo
from engine.operators.kit.base import Asked, At, Done, Effect, Failed, Site, Step
from engine.operators.task import TaskOperator

OPERATOR = "undo"
DEFAULT_RETRY = RetryPolicy(max_retries=10, delay=1.0, backoff_factor=2.0, max_delay=60.0)


class Undoing:
    """The same contract as `Execution`, for the phase after it. ``error`` is why the run did not succeed.

    A call that fails for good does not keep those before it from being undone; the run is then failed instead of compensated.
    """

    def __init__(
        self,
        info: TaskInfo,
        undo: Sequence[Undo],
        error: JsonObject | None,
        recorded: Iterable[Recorded] = (),
        waiting: Iterable[Waiting] = (),
    ) -> None:
        self._info = info
        self._error = error
        self._recorded = {step.key: step for step in recorded}
        self._waiting = {wait.key: wait for wait in waiting}
        self._names = LayeredNames({}, TaskNames(info, {}, {}))
        self._pending = [each for each in undo if each.key not in self._recorded]
        self._all = len(undo)
        self._not_undone = [each.key for each in undo if self._has_failed(each.key)]
        self._current: tuple[Undo, Step] | None = None
        self._out: list[Command] = []
        self._finished = False

    def advance(self) -> list[Command]:
        """What is to do now; empty while the call under way is open."""
        while self._current is None and not self._finished:
            if self._pending:
                self._begin(self._pending.pop(0))
            else:
                self._finished = True
                self._out.append(self._finish())
        commands, self._out = self._out, []
        return commands

    def settle(self, fact: Fact) -> None:
        """Take a fact about the call under way. After a claim, the end of its wait comes before the first `advance`."""
        if self._current is None and self._pending and self._pending[0].key in self._waiting:
            self._begin(self._pending.pop(0))
        if self._current is not None and fact.key == self._current[0].key:
            self._apply(self._current[1].settle(fact))

    def durable(self, key: str) -> None:
        """Nothing is held back here: the worker starts a call only when the record before it is committed."""

    @property
    def progress(self) -> tuple[int, int]:
        """(calls that are over, all calls)."""
        return self._all - len(self._pending) - (self._current is not None), self._all

    def _has_failed(self, key: str) -> bool:
        return key in self._recorded and self._recorded[key].outcome == "failed"

    def _begin(self, undo: Undo) -> None:
        step = _operator(undo.call).step(self._place(undo))
        self._current = (undo, step)
        waiting = self._waiting.pop(undo.key, None)
        self._apply(step.begin() if waiting is None else step.resume(waiting))

    def _place(self, undo: Undo) -> At:
        return At(
            key=undo.key,
            task_id=undo.step_key,
            info=self._info,
            names=self._names,
            variables={},
            emit=self._out.append,
            recorded=self._recorded,
            noted={},
            outcomes=dict,
            note_ended=lambda _keys: None,
        )

    def _apply(self, effect: Effect) -> None:
        undo = self._current[0] if self._current else None
        if undo is None:
            return
        if isinstance(effect, Asked):
            self._out.extend(effect.commands)
            return
        self._current = None
        if isinstance(effect, Failed):
            self._not_undone.append(undo.key)
            self._out.append(Record(undo.key, OPERATOR, "failed", error=effect.error, attempt=effect.attempt))
        elif isinstance(effect, Done):
            if not effect.committed:
                self._out.append(Record(undo.key, OPERATOR, "succeeded", effect.result, attempt=effect.attempt))
            self._out.extend(effect.then)

    def _finish(self) -> Finish:
        error = StepError.from_json(self._error) if self._error else StepError("cancelled", "cancelled", "", False)
        step, scope = str((self._error or {}).get("step") or ""), str((self._error or {}).get("scope") or "")
        if not self._all:  # it only waited for what was executed when it was stopped
            outcome: Literal["cancelled", "failed"] = "cancelled" if error.kind == "cancelled" else "failed"
            return Finish(outcome, error=error, failed_key=step or None, failed_scope=scope)
        if not self._not_undone:
            return Finish("compensated", error=error, failed_key=step or None, failed_scope=scope)
        count = f"{len(self._not_undone)} of {self._all} steps could not be undone ({', '.join(self._not_undone)})"
        message = f"{count}, after: {error.message}"
        return Finish("failed", error=StepError("undo", message, "NotUndone", False), failed_key=self._not_undone[0])


def _operator(call: JsonObject) -> TaskOperator:
    """The stored call as a task whose arguments are what they are."""
    policy = call.get("retry_policy")
    definition = Task(
        task_id="undo",
        operator_type="task",
        function=str(call["function"]),
        retry_policy=RetryPolicy.model_validate(policy) if policy else DEFAULT_RETRY,
        timeout_seconds=cast(float | None, call.get("timeout_seconds")),
    )
    operator = TaskOperator(definition, Site())
    operator.args = Value(call["args"], frozenset(), None)
    operator.kwargs = Value(call["kwargs"], frozenset(), None)
    operator.has_arguments = bool(call["args"] or call["kwargs"])
    return operator
