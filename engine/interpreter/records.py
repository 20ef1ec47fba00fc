"""Checkpoints of steps that are over."""

from __future__ import annotations

from engine.interpreter.frame import Frame, NodeState
from engine.interpreter.names import LayeredNames
from engine.language.expressions import ExpressionError
from engine.model.commands import Record
from engine.model.errors import StepError
from engine.model.json import JsonObject
from engine.operators.kit.base import Done, Failed
from engine.operators.kit.errors import template_error
from engine.operators.kit.guards import first_problem


def success(key: str, operator: str, done: Done) -> Record:
    """The record of a step that succeeded."""
    return Record(
        key,
        operator,
        "succeeded",
        done.result,
        input=done.input,
        attempt=done.attempt,
        variables=done.variables,
        gate=done.gate,
        undo=done.undo,
    )


def failure(key: str, operator: str, failed: Failed) -> Record:
    """The record of a step that failed for good."""
    return Record(
        key,
        operator,
        "failed",
        error=failed.error,
        input=failed.input,
        attempt=failed.attempt,
        gate=failed.gate,
    )


def postcondition_problem(frame: Frame, node: NodeState, done: Done) -> StepError | None:
    """Why a step that succeeded has failed after all; its guards see its result under its names."""
    if not node.plan.postconditions:
        return None
    seen: JsonObject = {node.plan.task_id: done.result}
    if node.plan.result_key is not None:
        seen[node.plan.result_key] = done.result
    try:
        return first_problem(node.plan.postconditions, LayeredNames(seen, frame.names))
    except ExpressionError as error:
        return template_error(error)
