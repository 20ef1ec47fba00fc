"""Field types that several models share, and the base of all models."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Field

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


def plain_text(text: str) -> str:
    """The same text if two that look alike are the same: in its NFKC form, and without what cannot be seen. ValueError otherwise."""
    if not text.isprintable():
        raise ValueError(f"{text[:80]!a} holds characters that cannot be seen")
    if unicodedata.normalize("NFKC", text) != text:
        raise ValueError(f"{text[:80]!a} is not in the form NFKC: write it with plain letters")
    return text


def few_ids(value: Any) -> Any:
    """Task ids as the values of an object, looked at as one: a hundred thousand that are wrong are one problem."""
    if isinstance(value, dict):
        if len(value) > MAX_CASES:
            raise ValueError(f"there are at most {MAX_CASES:,} cases")
        wrong = next((key for key, each in value.items() if not (isinstance(each, str) and _ID.fullmatch(each))), None)
        if wrong is not None:
            raise ValueError(f"{ascii(wrong)[:80]} does not name a task")
    return value


MAX_CASES = 1_000
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,199}", re.ASCII)
Seconds = Annotated[float, BeforeValidator(read_seconds)]
# What addresses something is ASCII: letters that look like others, or join them, cannot make two names of one.
TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", max_length=200)]
TaskIds = Annotated[list[TaskId], FailFast()]
Cases = Annotated[dict[str, str], BeforeValidator(few_ids)]
# Not . / @ [ ], which keys are made with.
BranchName = Annotated[str, Field(pattern=r"^[ !-\-0-?A-Z\\^-~]+$", max_length=200)]
ResultKey = Annotated[str, Field(pattern=r"^[ -~]+$", max_length=200)]
EventName = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(plain_text)]
