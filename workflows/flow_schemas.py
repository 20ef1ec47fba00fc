"""Bodies of flow control: how a submission meets others, and what is changed of queues and limits."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from engine.model.flow import MAX_BATCH, MAX_STARTS, Batch, Debounce, FlowLimit, FlowOptions, Singleton

Key = Annotated[str, StringConstraints(min_length=1, max_length=255)]
DAY_SECONDS = 24 * 3600.0


class _Part(Schema):
    model_config = ConfigDict(extra="forbid")


class LimitPart(_Part):
    """A limit that the run has to pass before it starts."""

    kind: Literal["concurrency", "rate", "throttle"]
    key: Key
    limit: int = Field(1, ge=1, le=100_000)
    per_seconds: float | None = Field(None, gt=0, le=31 * DAY_SECONDS)

    @model_validator(mode="after")
    def has_its_figures(self) -> LimitPart:
        """A rate needs its time, and keeps its last starts one by one."""
        if (self.kind == "concurrency") is (self.per_seconds is not None):
            raise ValueError("a rate or throttle needs per_seconds, and a concurrency limit has none")
        if self.kind == "rate" and self.limit > MAX_STARTS:
            raise ValueError(f"a rate has at most {MAX_STARTS} starts: give fewer in a shorter time")
        return self


class SingletonPart(_Part):
    """One open run per key."""

    key: Key
    policy: Literal["existing", "refuse", "queue"] = "existing"


class DebouncePart(_Part):
    """The last submission of a flurry counts."""

    key: Key
    seconds: float = Field(gt=0, le=31 * DAY_SECONDS)
    max_wait_seconds: float | None = Field(None, gt=0, le=31 * DAY_SECONDS)


class BatchPart(_Part):
    """Submissions gathered into one run with inputs.items."""

    key: Key
    size: int = Field(ge=2, le=MAX_BATCH)
    seconds: float = Field(gt=0, le=31 * DAY_SECONDS)


class FlowPart(_Part):
    """How a submission meets others; at most one of singleton, debounce and batch."""

    limits: list[LimitPart] = Field(default_factory=list, max_length=8)
    partition_key: str = Field("", max_length=255, description="runs of different partitions of a queue take turns")
    singleton: SingletonPart | None = None
    debounce: DebouncePart | None = None
    batch: BatchPart | None = None

    @model_validator(mode="after")
    def has_one_key(self) -> FlowPart:
        """A run stands under one key at most."""
        if sum(part is not None for part in (self.singleton, self.debounce, self.batch)) > 1:
            raise ValueError("at most one of singleton, debounce and batch can be given")
        return self

    def options(self) -> FlowOptions:
        """For the engine."""
        return FlowOptions(
            limits=tuple(FlowLimit(**limit.dict()) for limit in self.limits),
            partition_key=self.partition_key,
            singleton=Singleton(**self.singleton.dict()) if self.singleton else None,
            debounce=Debounce(**self.debounce.dict()) if self.debounce else None,
            batch=Batch(**self.batch.dict()) if self.batch else None,
        )


class QueueBody(_Part):
    """What to change of a queue, for this tenant's tasks in it; what is left out stays."""

    paused: bool | None = None
    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    draining: bool | None = Field(None, description="take no new runs, finish what is there")
    max_running: int | None = Field(None, ge=0, le=1_000_000, description="null takes the cap away")


class LimitBody(_Part):
    """A limit's figures, set by hand; with pinned false the next use of the key brings its own again."""

    limit: int | None = Field(None, ge=0, le=100_000)
    per_seconds: float | None = Field(None, gt=0, le=31 * DAY_SECONDS)
    pinned: bool = True


class LimitQuery(Schema):
    """Which page of limits: those behind the last of the page before."""

    after_kind: str = ""
    after_key: str = ""
    page_size: int = Field(50, ge=1, le=100)
