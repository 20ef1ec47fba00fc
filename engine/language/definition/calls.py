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


_LIMITS = ("schedule_to_start_timeout", "start_to_close_timeout", "heartbeat_timeout", "schedule_to_close_timeout")


class QueuedOperator(CallingOperator):
    """A call that waits in a queue of its own, and how long each part of it may take.

    The builder of the public DSL has no arguments for these and writes its ``metadata`` through: they are read from there, too.
    """

    queue: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,63}$")
    schedule_to_start_timeout: Seconds | None = Field(None, gt=0)
    start_to_close_timeout: Seconds | None = Field(None, gt=0)
    heartbeat_timeout: Seconds | None = Field(None, gt=0)
    schedule_to_close_timeout: Seconds | None = Field(None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _read_metadata(cls, data: Any) -> Any:
        metadata = data.get("metadata") if isinstance(data, dict) else None
        if not isinstance(metadata, dict):
            return data
        given = {name: metadata[name] for name in ("queue", *_LIMITS) if metadata.get(name) is not None}
        return given | {name: value for name, value in data.items() if name not in given or value is not None}

    @property
    def attempt_timeout(self) -> float | None:
        """The start-to-close limit, under any of its names."""
        if self.start_to_close_timeout is not None:
            return self.start_to_close_timeout
        return self.timeout_policy.timeout if self.timeout_policy else self.timeout_seconds


class Activity(QueuedOperator, UndoableOperator):
    """Queues a long call for an activity worker and goes on at once."""

    operator_type: Literal["activity"]
    function: str = Field(min_length=1, max_length=300)
    args: list[AnyJson] = Field(default_factory=list)
    kwargs: AnyJsonObject = Field(default_factory=dict)


class Reflexive(QueuedOperator):
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
