"""Field types that several models share, and the base of all models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.language.durations import checked_seconds, parse_duration
from engine.model.json import Json, JsonObject

if TYPE_CHECKING:
    AnyJson: TypeAlias = Json
    AnyJsonObject: TypeAlias = JsonObject
else:  # pydantic cannot walk the recursive alias; that the value is JSON at all is checked once, before the models
    AnyJson = Any
    AnyJsonObject = dict[str, Any]


class Model(BaseModel):
    """Strict (no coercion) and frozen. Unknown keys are ignored: both client libraries send some of their own."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def read_seconds(value: Any) -> Any:
    """Seconds from an ISO 8601 duration or a number; other types are left for pydantic to refuse."""
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return checked_seconds(float(value))
    return value


def none_is_absent(data: Any, *keys: str) -> Any:
    """The same object without those of ``keys`` that are null, so that they take their defaults."""
    if not isinstance(data, dict) or not any(key in data and data[key] is None for key in keys):
        return data
    return {key: value for key, value in data.items() if value is not None or key not in keys}


Seconds = Annotated[float, BeforeValidator(read_seconds)]
TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", max_length=200)]
BranchName = Annotated[str, Field(pattern=r"^[^\x00-\x1f./\[\]@]+$", max_length=200)]
EventName = Annotated[str, Field(min_length=1, max_length=500)]
