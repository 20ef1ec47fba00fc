"""Operators that call something: a tool, an activity, another workflow."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.language.definition.base import BaseOperator, CallingOperator
from engine.language.definition.fields import AnyJson, AnyJsonObject, BranchName, Model, Seconds
from engine.language.definition.policies import RetryPolicy


class Compensation(Model):
    """The call that undoes a task when its run does not succeed. Its templates see the task's own result, too."""

    function: str = Field(min_length=1, max_length=300)
    args: list[AnyJson] = Field(default_factory=list)
    kwargs: AnyJsonObject = Field(default_factory=dict)
    retry_policy: RetryPolicy | None = None
    timeout_seconds: Seconds | None = None


class UndoableOperator(CallingOperator):
    """An operator that may say how it is undone: as ``compensation``, or as ``metadata.compensation``, which the public builder can write."""

    compensation: Compensation | None = None

    @model_validator(mode="before")
    @classmethod
    def _compensation_of_metadata(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("compensation") is not None:
            return data
        metadata = data.get("metadata")
        given = metadata.get("compensation") if isinstance(metadata, dict) else None
        return data if given is None else {**data, "compensation": given}


class Task(UndoableOperator):
    """Calls a tool as one checkpointed step."""

    operator_type: Literal["task"]
    function: str = Field(min_length=1, max_length=300)
    args: list[AnyJson] = Field(default_factory=list)
    kwargs: AnyJsonObject = Field(default_factory=dict)


class Activity(UndoableOperator):
    """Queues a long call for an activity worker and goes on at once."""

    operator_type: Literal["activity"]
    function: str = Field(min_length=1, max_length=300)
    args: list[AnyJson] = Field(default_factory=list)
    kwargs: AnyJsonObject = Field(default_factory=dict)


class Reflexive(CallingOperator):
    """Generator, verifier, corrected generator, up to ``max_turns``, as one activity."""

    operator_type: Literal["reflexive"]
    generator: str = Field(min_length=1, max_length=300)
    generator_kwargs: AnyJsonObject = Field(default_factory=dict)
    verifier: str = Field(min_length=1, max_length=300)
    verifier_kwargs: AnyJsonObject = Field(default_factory=dict)
    max_turns: int = Field(3, ge=1, le=10)
    correction_prompt_template: str | None = None


class Child(Model):
    """A workflow to start: exactly one of name and definition id."""

    workflow_name: str | None = None
    definition_id: str | None = None
    inputs: AnyJsonObject = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_one_workflow(self) -> Child:
        if (self.workflow_name is None) is (self.definition_id is None):
            raise ValueError("a child names exactly one of workflow_name and definition_id")
        return self


class ChildWorkflow(BaseOperator):
    """Starts children as runs of their own and waits for all of them."""

    operator_type: Literal["child_workflow"]
    children: dict[BranchName, Child] = Field(min_length=1)
    timeout_seconds: Seconds | None = None
