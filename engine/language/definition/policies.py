"""Policies and guards that any operator may carry, in both dialects of the language."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.kit.patterns import check_pattern
from engine.language.definition.fields import AnyJson, Model, Seconds

_SECOND_DIALECT = {
    "initial_interval_seconds": "delay",
    "backoff_coefficient": "backoff_factor",
    "maximum_interval_seconds": "max_delay",
}


class RetryPolicy(Model):
    """``max_retries`` further attempts after the first; the wait before attempt n+1 is delay x backoff_factor^(n-1)."""

    max_retries: int = Field(3, ge=0, le=10_000)
    delay: Seconds = 5.0
    backoff_factor: float = Field(2.0, ge=1.0, le=1_000.0)
    max_delay: Seconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_second_dialect(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        read = {_SECOND_DIALECT.get(key, key): value for key, value in data.items()}
        attempts = read.get("max_attempts")
        if "max_retries" not in read and isinstance(attempts, int) and attempts >= 1:
            read["max_retries"] = attempts - 1
        return read

    def delay_after(self, attempt: int) -> float:
        """Seconds to wait when ``attempt`` (from 1) has failed; at most a day if no limit is set."""
        limit = self.max_delay if self.max_delay is not None else max(self.delay, 86_400.0)
        exponent = min(attempt - 1, 64)
        return min(self.delay * self.backoff_factor**exponent, limit)


class TimeoutPolicy(Model):
    """A limit on the time of each attempt, in seconds."""

    timeout: Seconds
    kill_on_timeout: bool = True


class CircuitBreakerPolicy(Model):
    """When to stop calling something that keeps failing, and when to try again. The builder writes ``isolation_duration_seconds``."""

    failure_threshold: int = Field(5, ge=1, le=1_000_000)
    success_threshold: int = Field(2, ge=1, le=1_000_000)
    isolation_duration: Seconds = 30.0
    catch_exceptions: list[str] | None = None
    ignore_exceptions: list[str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_the_builders_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "isolation_duration_seconds" in data and "isolation_duration" not in data:
            return {**data, "isolation_duration": data["isolation_duration_seconds"]}
        return data


GuardCheck = Literal["exists", "not_null", "equals", "not_equals", "in_range", "matches_regex", "type_check", "in_set"]


class Guard(Model):
    """A check of a value before or after a task."""

    variable: str
    check: GuardCheck
    value: AnyJson = None
    message: str = ""

    @model_validator(mode="after")
    def _value_fits_check(self) -> Guard:
        if self.check == "in_range" and not (isinstance(self.value, list) and len(self.value) == 2):
            raise ValueError("in_range needs a value of the form [lowest, highest]")
        if self.check == "in_set" and not isinstance(self.value, list):
            raise ValueError("in_set needs an array of allowed values")
        if self.check == "matches_regex":
            if not isinstance(self.value, str):
                raise ValueError("matches_regex needs a pattern")
            if "{{" not in self.value and "${" not in self.value:
                check_pattern(self.value)
        return self
