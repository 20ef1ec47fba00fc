"""What undoes a task: another call, whose arguments are resolved when the task has succeeded and sees its result."""

from __future__ import annotations

from typing import cast

from engine.language.definition import Compensation
from engine.language.expressions import compile_value
from engine.language.expressions.names import Names, Overlay
from engine.model.json import Json, JsonObject
from engine.model.undo import undo_call


class CompiledUndo:
    """The ``compensation`` of one task. ``roots`` are the names that it needs from outside."""

    __slots__ = ("_args", "_definition", "_kwargs", "_own_names", "roots")

    def __init__(self, definition: Compensation, task_id: str, result_key: str | None) -> None:
        self._definition = definition
        self._args = compile_value(definition.args)
        self._kwargs = compile_value(definition.kwargs)
        self._own_names = [task_id] if result_key is None else [task_id, result_key]
        self.roots = (self._args.roots | self._kwargs.roots) - frozenset(self._own_names)

    def call(self, names: Names, result: Json) -> JsonObject:
        """The call that undoes a task with this result. Raises ExpressionError."""
        seen = Overlay(dict.fromkeys(self._own_names, result), names)
        policy = self._definition.retry_policy
        return undo_call(
            self._definition.function,
            cast(list[Json], self._args.render(seen)),
            cast(JsonObject, self._kwargs.render(seen)),
            policy.model_dump(mode="json") if policy else None,
            self._definition.timeout_seconds,
        )
