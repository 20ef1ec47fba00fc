"""Operators that decide where the graph goes on, or that it ends."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.language.definition.base import BaseOperator
from engine.language.definition.fields import AnyJsonObject, Cases, TaskId, TaskIds, none_is_absent

JoinMode = Literal["all_of", "any_of", "all_success", "one_success"]


class Condition(BaseOperator):
    """Runs the side of ``if_true`` or of ``if_false``; the other is skipped."""

    operator_type: Literal["condition"]
    condition: str = Field(min_length=1)
    if_true: TaskId | None = None
    if_false: TaskId | None = None


class Switch(BaseOperator):
    """Compares a value as text with the cases and runs the one target."""

    operator_type: Literal["switch"]
    switch_on: str = Field(min_length=1)
    cases: Cases = Field(default_factory=dict)
    default: TaskId | None = None


class Join(BaseOperator):
    """Checks the outcome of the named tasks; waits for those it needs."""

    operator_type: Literal["join"]
    join_tasks: TaskIds = Field(min_length=1)
    join_mode: JoinMode = "all_of"


class Terminate(BaseOperator):
    """Ends the run, skipping the rest."""

    operator_type: Literal["terminate"]
    status: Literal["completed", "failed", "cancelled"] = "completed"
    result: AnyJsonObject = Field(default_factory=dict)
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _nulls(cls, data: Any) -> Any:
        return none_is_absent(data, "result", "reason", "status")
