"""Operators of time and of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from engine.language.definition.base import BaseOperator
from engine.language.definition.fields import AnyJsonObject, EventName, Seconds, none_is_absent
from engine.language.durations import parse_duration


def is_templated(text: str) -> bool:
    """Whether a text is only known at run time."""
    return "{{" in text or "${" in text


def read_wait(text: str) -> float | datetime:
    """Seconds, or the moment to wait for; ValueError for text that is neither. A moment without a zone is UTC."""
    if text.startswith(("P", "duration:")):
        return parse_duration(text)
    moment = text.removeprefix("datetime:")
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(
            f"'{text[:80]}' is neither a duration such as PT30S nor a time such as 2026-01-31T12:00:00Z"
        ) from None


class Wait(BaseOperator):
    """A durable sleep: ISO 8601 duration, ISO 8601 time, number of seconds, or a template of one of them."""

    operator_type: Literal["wait"]
    wait_for: str | float

    @field_validator("wait_for", mode="before")
    @classmethod
    def _is_readable(cls, value: Any) -> Any:
        if isinstance(value, str) and not is_templated(value):
            read_wait(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value


class EmitEvent(BaseOperator):
    """Emits an event of this run; the first emit wins."""

    operator_type: Literal["emit_event"]
    event_name: EventName
    payload: AnyJsonObject = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _nulls(cls, data: Any) -> Any:
        return none_is_absent(data, "payload")


class WaitForEvent(BaseOperator):
    """Waits for an event of this run; None waits for ever."""

    operator_type: Literal["wait_for_event"]
    event_name: EventName
    timeout_seconds: Seconds | None = None
