"""The workflow as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from engine.language.definition.fields import AnyJsonObject, Model, Seconds, TaskId
from engine.language.definition.limits import RunLimit
from engine.language.definition.nesting import Operator, with_task_ids
from engine.language.definition.policies import RetryPolicy


def _version_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _start_date(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class Definition(Model):
    """A workflow as its author wrote it, typed. ``timeout_seconds`` is the second dialect's ``deadline_seconds``."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=200)
    version: Annotated[str, BeforeValidator(_version_text)] = Field("1", pattern=r"^[A-Za-z0-9._-]+$", max_length=100)
    description: str = Field("", max_length=10_000)
    tasks: dict[TaskId, Operator] = Field(min_length=1)
    variables: AnyJsonObject = Field(default_factory=dict)
    start_task: TaskId | None = None
    schedule: str | None = None
    start_date: Annotated[datetime, BeforeValidator(_start_date)] | None = None
    catchup: bool = False
    is_paused: bool = False
    tags: list[str] = Field(default_factory=list)
    max_active_runs: int = Field(1, ge=1)  # 1 is what every builder writes, and means no limit: see highway.limits_of
    limits: list[RunLimit] = Field(default_factory=list, max_length=8)
    default_retry_policy: RetryPolicy | None = None
    deadline_seconds: Seconds | None = Field(None, gt=0)
    deadline_action: Literal["fail", "cancel"] = "fail"
    timeout_seconds: Seconds | None = Field(None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _ids_from_keys(cls, data: Any) -> Any:
        return with_task_ids(data)

    @property
    def deadline(self) -> float | None:
        """Seconds of wall time that a run may take, in either dialect."""
        return self.deadline_seconds if self.deadline_seconds is not None else self.timeout_seconds
