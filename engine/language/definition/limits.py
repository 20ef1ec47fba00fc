"""Limits by key: how many runs or steps at a time, and how many in a time. The public builder knows `max_active_runs` alone; these are ours."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from engine.language.definition.fields import Model
from engine.model.flow import MAX_STARTS

_RUN_TEMPLATE = re.compile(r"\{\{\s*inputs\.[A-Za-z0-9_]+(\.[A-Za-z0-9_-]+)*\s*\}\}")
LimitKey = Annotated[str, Field(min_length=1, max_length=255)]


class Limit(Model):
    """``concurrency``: at most ``limit`` at a time. ``rate``: at most ``limit`` starts in any ``per_seconds``. ``throttle``: one start in ``per_seconds``."""

    kind: Literal["concurrency", "rate", "throttle"]
    key: LimitKey | None = None
    limit: int = Field(1, ge=1, le=100_000)
    per_seconds: float | None = Field(None, gt=0, le=31 * 24 * 3600.0)

    @model_validator(mode="after")
    def _has_its_figures(self) -> Limit:
        if (self.kind == "concurrency") is (self.per_seconds is not None):
            raise ValueError("a rate or throttle needs per_seconds, and a concurrency limit has none")
        if self.kind == "rate" and self.limit > MAX_STARTS:
            raise ValueError(f"a rate has at most {MAX_STARTS} starts: give fewer in a shorter time")
        return self


class RunLimit(Limit):
    """A limit on runs of a workflow. Its key may hold ``{{ inputs.name }}``; without a key it is one for all runs of the workflow."""

    @model_validator(mode="after")
    def _key_is_known_at_the_start(self) -> RunLimit:
        rest = _RUN_TEMPLATE.sub("", self.key or "")
        if "{{" in rest or "${" in rest:
            raise ValueError("the key of a run's limit may name inputs only, as in customer:{{inputs.customer}}")
        return self


class StepLimit(Limit):
    """A limit on calls of a step. Its key may hold any template of the step, and is shared by all steps and runs that name it."""

    key: LimitKey


def limits_from_metadata(data: Any) -> Any:
    """The same operator with the limits that its metadata carries, which is all that the public builder can write."""
    if not isinstance(data, dict) or data.get("limits") is not None or not isinstance(data.get("metadata"), dict):
        return data
    limits = data["metadata"].get("limits")
    return data if limits is None else {**data, "limits": limits}


def check_one_rate(limits: list[StepLimit]) -> None:
    """Two rates of one step would each have to wait for the other's start."""
    if sum(1 for limit in limits if limit.kind != "concurrency") > 1:
        raise ValueError("a step has at most one rate or throttle")
