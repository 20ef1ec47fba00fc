"""What all operators have in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.language.definition.fields import AnyJsonObject, Model, ResultKey, Seconds, TaskId, TaskIds, none_is_absent
from engine.language.definition.limits import StepLimit, check_one_rate, limits_from_metadata
from engine.language.definition.policies import CircuitBreakerPolicy, Guard, RetryPolicy, TimeoutPolicy

TriggerRule = Literal["all_success", "all_done", "one_success", "one_done", "none_failed"]


class BaseOperator(Model):
    """One node of a workflow's graph. ``operator_type`` of the subclasses tells which."""

    task_id: TaskId
    operator_type: str
    dependencies: TaskIds = Field(default_factory=list)
    trigger_rule: TriggerRule = "all_success"
    retry_policy: RetryPolicy | None = None
    timeout_policy: TimeoutPolicy | None = None
    circuit_breaker_policy: CircuitBreakerPolicy | None = None
    idempotency_key: str | None = None
    metadata: AnyJsonObject = Field(default_factory=dict)
    description: str = ""
    result_key: ResultKey | None = None
    on_success_task_id: TaskId | None = None
    on_failure_task_id: TaskId | None = None
    is_internal_loop_task: bool = False
    is_internal_parallel_task: bool = False
    preconditions: list[Guard] = Field(default_factory=list)
    postconditions: list[Guard] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _nulls_and_aliases(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if "depends_on" in data and data.get("dependencies") is None:
            data = {**data, "dependencies": data["depends_on"]}
        return none_is_absent(
            data,
            "dependencies",
            "trigger_rule",
            "metadata",
            "description",
            "preconditions",
            "postconditions",
            "args",
            "kwargs",
        )


class CallingOperator(BaseOperator):
    """An operator that calls a tool and so has attempts. ``timeout_seconds`` is the second dialect's timeout policy."""

    timeout_seconds: Seconds | None = None
    limits: list[StepLimit] = Field(default_factory=list, max_length=8)

    @model_validator(mode="before")
    @classmethod
    def _limits_in_metadata(cls, data: Any) -> Any:
        return none_is_absent(limits_from_metadata(data), "limits")

    @model_validator(mode="after")
    def _has_one_rate(self) -> CallingOperator:
        check_one_rate(self.limits)
        return self

    @property
    def attempt_timeout(self) -> float | None:
        """Seconds that one attempt may take; None is the worker's default."""
        return self.timeout_policy.timeout if self.timeout_policy else self.timeout_seconds
